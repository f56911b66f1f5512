-- Transfers between merchants: claim, postings, rows, events and answer in one go.
-- command: {"key", "transfer": row, "transactions": [row, row], "entry": ledger command, "events": […], "answer": {"status", "body"}}
-- refusals: the ledger's ("insufficient_funds", …).
CREATE OR REPLACE FUNCTION payments_transfer(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    claims jsonb := payments_claims(commands);
    outcomes jsonb := '[]';
    good int[] := '{}';
    refusals jsonb;
    n int;
BEGIN
    FOR n IN 0 .. jsonb_array_length(commands) - 1 LOOP
        IF claims -> n ->> 'outcome' = 'new' THEN
            good := good || n;
            outcomes := outcomes || '{"ok": {}}'::jsonb;
        ELSE
            outcomes := outcomes || jsonb_build_object('claim', claims -> n);
        END IF;
    END LOOP;
    refusals := payments_post(commands, good);
    FOR n IN SELECT k::int FROM jsonb_object_keys(refusals) k LOOP
        good := array_remove(good, n);
        outcomes := jsonb_set(outcomes, ARRAY[n::text], refusals -> n::text);
        PERFORM idempotency_release(commands -> n -> 'key');
    END LOOP;
    FOREACH n IN ARRAY good LOOP
        PERFORM payments_transfer_rows(commands -> n);
    END LOOP;
    PERFORM payments_tell(commands, good);
    RETURN outcomes;
END $$;

-- The rows of one command.
CREATE OR REPLACE FUNCTION payments_transfer_rows(c jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    n payments_transfer := jsonb_populate_record(NULL::payments_transfer, c -> 'transfer');
BEGIN
    PERFORM payments_insert_transaction(jsonb_populate_record(NULL::payments_balance_transaction, c #> '{transactions,0}'));
    PERFORM payments_insert_transaction(jsonb_populate_record(NULL::payments_balance_transaction, c #> '{transactions,1}'));
    INSERT INTO payments_transfer
        (id, merchant_id, livemode, version, created, destination_id, balance_transaction_id, amount, currency, description, metadata,
         transfer_group)
    VALUES
        (n.id, n.merchant_id, n.livemode, n.version, n.created, n.destination_id, n.balance_transaction_id, n.amount, n.currency,
         n.description, n.metadata, n.transfer_group);
END $$;
