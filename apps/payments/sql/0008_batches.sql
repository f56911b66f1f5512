-- Many commands in one statement each: what 0003, 0004 and 0006 do one by one, done for a whole batch.
-- A batch in which all goes well is judged, written and told as a whole; only what is refused, or asks
-- for rows that are there already, is looked at by itself.

-- The commands but those that `refused` has, by their number from 0.
CREATE OR REPLACE FUNCTION payments_without(commands jsonb, refused jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF refused = '{}' THEN
        RETURN commands;
    END IF;
    RETURN (SELECT coalesce(jsonb_agg(c ORDER BY no), '[]')
            FROM jsonb_array_elements(commands) WITH ORDINALITY AS x (c, no) WHERE NOT refused ? (no - 1)::text);
END $$;

-- One outcome for each of `many` commands: what `refused` says, or ok.
CREATE OR REPLACE FUNCTION payments_outcomes(many int, refused jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF refused = '{}' THEN
        RETURN to_jsonb(array_fill('{"ok": {}}'::jsonb, ARRAY[many]));
    END IF;
    RETURN (SELECT jsonb_agg(coalesce(refused -> no::text, '{"ok": {}}') ORDER BY no) FROM generate_series(0, many - 1) no);
END $$;

-- Books the entries of `commands`, which are those of a batch that `refused` does not have. Returns the
-- ledger's refusals under the numbers of the whole batch; what was refused was not booked.
CREATE OR REPLACE FUNCTION payments_book(commands jsonb, refused jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    entries jsonb := jsonb_path_query_array(commands, '$[*].entry ? (@ != null)');
    outcomes jsonb;
BEGIN
    IF entries = '[]' THEN
        RETURN '{}';
    END IF;
    outcomes := ledger_post(entries);
    IF NOT jsonb_path_exists(outcomes, '$[*].error') THEN
        RETURN '{}';
    END IF;
    RETURN (
        SELECT coalesce(jsonb_object_agg(batch.no, outcomes -> (booked.no - 1)::int) FILTER (WHERE outcomes -> (booked.no - 1)::int ? 'error'), '{}')
        FROM (SELECT c -> 'entry' ->> 'id' AS id, row_number() OVER (ORDER BY at) AS no
              FROM jsonb_array_elements(commands) WITH ORDINALITY AS x (c, at) WHERE jsonb_typeof(c -> 'entry') = 'object') booked
        JOIN (SELECT c -> 'entry' ->> 'id' AS id, no FROM payments_numbered(commands, refused) AS n (c, no)) batch USING (id)
    );
END $$;

-- The commands that are left of a batch, each with its number in the whole batch.
CREATE OR REPLACE FUNCTION payments_numbered(commands jsonb, refused jsonb, OUT command jsonb, OUT no int) RETURNS SETOF record
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    no := -1;
    FOR command IN SELECT * FROM jsonb_array_elements(commands) LOOP
        no := no + 1;
        WHILE refused ? no::text LOOP
            no := no + 1;
        END LOOP;
        RETURN NEXT;
    END LOOP;
END $$;

-- What is wrong with the customers and payment methods that new intents refer to, by number; the keys
-- of those commands are given back.
CREATE OR REPLACE FUNCTION payments_parties_refused(commands jsonb, refused jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    item record;
    problem jsonb;
    found jsonb := '{}';
BEGIN
    IF NOT jsonb_path_exists(commands, '$[*] ? (@.intent.customer_id != null || (@.method == null && @.intent.payment_method_id != null))') THEN
        RETURN found;
    END IF;
    FOR item IN
        SELECT n.no, n.command, i.merchant_id, i.livemode, i.customer_id,
               CASE WHEN jsonb_typeof(n.command -> 'method') IS DISTINCT FROM 'object' THEN i.payment_method_id END AS method_id
        FROM payments_numbered(commands, refused) n
        CROSS JOIN LATERAL jsonb_to_record(n.command -> 'intent') AS i (merchant_id uuid, livemode boolean, customer_id uuid, payment_method_id uuid)
    LOOP
        problem := payments_party_problem(item.merchant_id, item.livemode, item.customer_id, item.method_id, item.customer_id);
        IF problem IS NOT NULL THEN
            PERFORM idempotency_give_back(item.command);
            found := found || jsonb_build_object(item.no, problem);
        END IF;
    END LOOP;
    RETURN found;
END $$;

CREATE OR REPLACE FUNCTION payments_insert_methods(commands jsonb) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    IF NOT jsonb_path_exists(commands, '$[*].method.id') THEN
        RETURN;
    END IF;
    INSERT INTO payments_payment_method
        (id, merchant_id, livemode, version, created, customer_id, gateway, token, card, billing_details, metadata)
    SELECT n.id, n.merchant_id, n.livemode, n.version, n.created, n.customer_id, n.gateway, n.token, n.card, n.billing_details, n.metadata
    FROM jsonb_to_recordset(commands) AS x (method jsonb)
    CROSS JOIN LATERAL jsonb_populate_record(NULL::payments_payment_method, x.method) n
    WHERE jsonb_typeof(x.method) = 'object';
END $$;

CREATE OR REPLACE FUNCTION payments_insert_intents(commands jsonb) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    INSERT INTO payments_intent
        (id, merchant_id, livemode, version, created, status, amount, amount_capturable, amount_received, currency,
         capture_method, confirmation_method, customer_id, payment_method_id, client_secret, description,
         statement_descriptor, statement_descriptor_suffix, receipt_email, metadata, setup_future_usage, shipping,
         automatic_payment_methods, payment_method_options, transfer_group, return_url)
    SELECT n.id, n.merchant_id, n.livemode, n.version, n.created, n.status, n.amount, n.amount_capturable, n.amount_received, n.currency,
           n.capture_method, n.confirmation_method, n.customer_id, n.payment_method_id, n.client_secret, n.description,
           n.statement_descriptor, n.statement_descriptor_suffix, n.receipt_email, n.metadata, n.setup_future_usage, n.shipping,
           n.automatic_payment_methods, n.payment_method_options, n.transfer_group, n.return_url
    FROM jsonb_to_recordset(commands) AS x (intent jsonb)
    CROSS JOIN LATERAL jsonb_populate_record(NULL::payments_intent, x.intent) n;
END $$;

-- Intents that nobody confirms yet: claim, rows, events and answer in one go.
-- command: {"key", "intent": row, "method": row | null, "events": […], "answer": {"status", "body"}}
CREATE OR REPLACE FUNCTION payments_create(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    many int := jsonb_array_length(commands);
    refused jsonb := idempotency_claims(commands, answered => true);
    problems jsonb;
BEGIN
    commands := payments_without(commands, refused);
    problems := payments_parties_refused(commands, refused);
    IF problems <> '{}' THEN
        commands := payments_left(commands, refused, problems);
        refused := refused || problems;
    END IF;
    IF commands <> '[]' THEN
        PERFORM payments_insert_methods(commands);
        PERFORM payments_insert_intents(commands);
        PERFORM events_tell(commands);
    END IF;
    RETURN payments_outcomes(many, refused);
END $$;

-- What is left of `commands`, which `refused` is not among, without those that `more` has.
CREATE OR REPLACE FUNCTION payments_left(commands jsonb, refused jsonb, more jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN (SELECT coalesce(jsonb_agg(n.command ORDER BY n.no), '[]')
            FROM payments_numbered(commands, refused) n WHERE NOT more ? n.no::text);
END $$;

CREATE OR REPLACE FUNCTION payments_insert_transactions(commands jsonb, at jsonpath) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    INSERT INTO payments_balance_transaction
        (id, merchant_id, livemode, version, created, type, amount, fee, net, currency, available_on, released, source, entry_id, description)
    SELECT n.id, n.merchant_id, n.livemode, n.version, n.created, n.type, n.amount, n.fee, n.net, n.currency, n.available_on, n.released,
           n.source, n.entry_id, n.description
    FROM jsonb_populate_recordset(NULL::payments_balance_transaction, jsonb_path_query_array(commands, at)) n;
END $$;

CREATE OR REPLACE FUNCTION payments_insert_transfers(commands jsonb) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    INSERT INTO payments_transfer
        (id, merchant_id, livemode, version, created, destination_id, balance_transaction_id, amount, currency, description, metadata,
         transfer_group)
    SELECT n.id, n.merchant_id, n.livemode, n.version, n.created, n.destination_id, n.balance_transaction_id, n.amount, n.currency,
           n.description, n.metadata, n.transfer_group
    FROM jsonb_populate_recordset(NULL::payments_transfer, jsonb_path_query_array(commands, '$[*].transfer')) n;
END $$;

-- Transfers between merchants: claim, postings, rows, events and answer in one go.
-- command: {"key", "transfer": row, "transactions": [row, row], "entry": ledger command, "events": […], "answer": {"status", "body"}}
-- refusals: the ledger's ("insufficient_funds", …).
CREATE OR REPLACE FUNCTION payments_transfer(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    many int := jsonb_array_length(commands);
    refused jsonb := idempotency_claims(commands, answered => true);
    problems jsonb;
BEGIN
    commands := payments_without(commands, refused);
    problems := payments_book(commands, refused);
    IF problems <> '{}' THEN
        PERFORM idempotency_give_back(n.command) FROM payments_numbered(commands, refused) n WHERE problems ? n.no::text;
        commands := payments_left(commands, refused, problems);
        refused := refused || problems;
    END IF;
    IF commands <> '[]' THEN
        PERFORM payments_insert_transactions(commands, '$[*].transactions[*]');
        PERFORM payments_insert_transfers(commands);
        PERFORM events_tell(commands);
    END IF;
    RETURN payments_outcomes(many, refused);
END $$;
