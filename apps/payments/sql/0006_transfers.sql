-- Transfers between merchants: claim, postings, rows, events and answer in one go.
-- command: {"key", "transfer": row, "transactions": [row, row], "entry": ledger command, "events": […], "answer": {"status", "body"}}
-- refusals: the ledger's ("insufficient_funds", …).
CREATE OR REPLACE FUNCTION payments_transfer(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    claims jsonb := idempotency_claim_each(jsonb_path_query_array(commands, '$[*].key'));
    outcomes jsonb := '[]';
    good jsonb := '[]';
    places int[] := '{}';
    refusals jsonb;
BEGIN
    FOR nth IN 0 .. jsonb_array_length(commands) - 1 LOOP
        IF claims -> nth ->> 'outcome' = 'new' THEN
            good := good || jsonb_build_array(commands -> nth);
            places := places || nth;
            outcomes := outcomes || '{"ok": {}}'::jsonb;
        ELSE
            outcomes := outcomes || jsonb_build_object('claim', claims -> nth);
        END IF;
    END LOOP;
    refusals := payments_post(good);
    FOR nth IN REVERSE cardinality(places) - 1 .. 0 LOOP
        IF refusals ? nth::text THEN
            PERFORM idempotency_release(good -> nth -> 'key');
            outcomes := jsonb_set(outcomes, ARRAY[places[nth + 1]::text], refusals -> nth::text);
            good := good - nth;
        END IF;
    END LOOP;
    PERFORM payments_insert_transactions(jsonb_path_query_array(good, '$[*].transactions[*]'));
    INSERT INTO payments_transfer
        (id, merchant_id, livemode, version, created, destination_id, balance_transaction_id, amount, currency, description, metadata, transfer_group)
    SELECT id, merchant_id, livemode, version, created, destination_id, balance_transaction_id, amount, currency, description, metadata, transfer_group
    FROM jsonb_populate_recordset(NULL::payments_transfer, jsonb_path_query_array(good, '$[*].transfer'));
    PERFORM payments_tell(good);
    RETURN outcomes;
END $$;
