-- The last phase of a payment: what the gateway said becomes state, postings, events and the stored
-- answer in one commit. Python made all of it from the rows as they were; a row that changed since
-- (its `version`) or an attempt that somebody else finished first refuses the command, whole.
--
-- Locks: intents (by id), attempts, the ledger's; then the keys that are finished.

-- The claims of those commands that have not claimed their key yet ("claim"); null for the others,
-- whose key is ours since their begin. Those finish their key last: nobody who waits for a payment
-- holds a key that is being recorded.
CREATE OR REPLACE FUNCTION payments_late_claims(commands jsonb) RETURNS jsonb[]
LANGUAGE plpgsql AS $$
DECLARE
    claims jsonb[] := array_fill(NULL::jsonb, ARRAY[jsonb_array_length(commands)]);
    item record;
BEGIN
    IF NOT jsonb_path_exists(commands, '$[*].claim ? (@ == true)') THEN
        RETURN claims;
    END IF;
    FOR item IN
        SELECT c -> 'key' AS key, no::int FROM jsonb_array_elements(commands) WITH ORDINALITY AS x (c, no) WHERE (c ->> 'claim')::boolean
        ORDER BY c #>> '{key,merchant_id}', c #>> '{key,livemode}', c #>> '{key,key}', no
    LOOP
        claims[item.no] := idempotency_claim(item.key);
    END LOOP;
    RETURN claims;
END $$;

-- A refusal with everything that is needed to decide anew, and the answer that was stored meanwhile.
CREATE OR REPLACE FUNCTION payments_refuse(why text, c jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    k jsonb := c -> 'key';
    answer jsonb;
BEGIN
    SELECT jsonb_build_object('status', r.status, 'body', r.body) INTO answer FROM idempotency_record r
    WHERE r.merchant_id = (k ->> 'merchant_id')::uuid AND r.livemode = (k ->> 'livemode')::boolean AND r.key = k ->> 'key'
      AND r.state = 'done';
    IF (c ->> 'claim')::boolean THEN
        PERFORM idempotency_release(k);
    END IF;
    RETURN jsonb_build_object('error', why, 'answer', answer, 'held', payments_held((c #>> '{attempt,id}')::uuid));
END $$;

-- Why an attempt's outcome cannot be recorded, or null. `window_s` comes with "nothing happened
-- there", which the gateway's window must cover: it must have known our last byte for that long, and
-- must have denied the reference for as long.
CREATE OR REPLACE FUNCTION payments_attempt_problem(state text, sent_until timestamptz, missing_since timestamptz, window_s int)
RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    IF state IN ('succeeded', 'failed') THEN
        RETURN 'settled';
    ELSIF window_s IS NOT NULL AND (missing_since IS NULL
            OR greatest(sent_until, missing_since) + make_interval(secs => window_s) > clock_timestamp()) THEN
        RETURN 'unfounded';
    END IF;
    RETURN NULL;
END $$;

-- Why the command cannot be recorded any more, or null. The intent and the attempt are locked.
CREATE OR REPLACE FUNCTION payments_record_problem(c jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    seen record;
BEGIN
    IF jsonb_typeof(c -> 'attempt') = 'object' THEN
        SELECT i.version, a.state, a.sent_until, a.missing_since INTO seen
        FROM payments_intent i JOIN payments_attempt a ON a.id = (c #>> '{attempt,id}')::uuid
        WHERE i.id = (c ->> 'intent_id')::uuid FOR NO KEY UPDATE;
        RETURN coalesce(payments_attempt_problem(seen.state, seen.sent_until, seen.missing_since, (c ->> 'window_s')::int),
            CASE WHEN seen.version <> (c ->> 'intent_version')::int THEN 'stale' END);
    END IF;
    PERFORM FROM payments_intent i
    WHERE i.id = (c ->> 'intent_id')::uuid AND i.version = (c ->> 'intent_version')::int FOR NO KEY UPDATE;
    RETURN CASE WHEN NOT FOUND THEN 'stale' END;
END $$;

-- The attempt as it is now. `look_s` says when to ask again about one that is not over; without it,
-- what was planned holds. A void that went through ends the authorisation that still waited.
CREATE OR REPLACE FUNCTION payments_update_attempt(n jsonb, look_s int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    is_over boolean := n ->> 'state' IN ('succeeded', 'failed');
BEGIN
    UPDATE payments_attempt a SET
        version = a.version + 1, state = n ->> 'state', code = n ->> 'code', decline_code = n ->> 'decline_code',
        network_reference = n ->> 'network_reference', ended_at = CASE WHEN is_over THEN clock_timestamp() END,
        next_look_at = CASE WHEN is_over THEN NULL
            ELSE coalesce(clock_timestamp() + make_interval(secs => look_s), a.next_look_at) END
    WHERE a.id = (n ->> 'id')::uuid;
    IF n ->> 'kind' = 'void' AND n ->> 'state' = 'succeeded' THEN
        UPDATE payments_attempt a SET version = a.version + 1, state = 'failed', code = 'canceled', next_look_at = NULL,
            ended_at = clock_timestamp()
        WHERE a.id = (n ->> 'authorization_id')::uuid AND a.state = 'waiting';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION payments_update_intent(n jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE payments_intent i SET
        version = (n ->> 'version')::int, status = n ->> 'status', amount_capturable = (n ->> 'amount_capturable')::bigint,
        amount_received = (n ->> 'amount_received')::bigint, payment_method_id = (n ->> 'payment_method_id')::uuid,
        latest_charge_id = (n ->> 'latest_charge_id')::uuid, next_action = nullif(n -> 'next_action', 'null'),
        last_payment_error = nullif(n -> 'last_payment_error', 'null'), canceled_at = (n ->> 'canceled_at')::timestamptz,
        cancellation_reason = n ->> 'cancellation_reason'
    WHERE i.id = (n ->> 'id')::uuid;
END $$;

-- A new charge is written, a known one (a later version) changed.
CREATE OR REPLACE FUNCTION payments_put_charge(n payments_charge) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF n.version > 1 THEN
        UPDATE payments_charge ch SET version = n.version, captured = n.captured, amount_captured = n.amount_captured,
            amount_refunded = n.amount_refunded, amount_refund_pending = n.amount_refund_pending,
            balance_transaction_id = n.balance_transaction_id
        WHERE ch.id = n.id;
        RETURN;
    END IF;
    INSERT INTO payments_charge
        (id, merchant_id, livemode, version, created, intent_id, attempt_id, customer_id, payment_method_id,
         balance_transaction_id, status, amount, amount_captured, amount_refunded, amount_refund_pending, currency, captured,
         failure_code, failure_message, decline_code, network_reference, card, billing_details, description,
         statement_descriptor, statement_descriptor_suffix, receipt_email, metadata, shipping, transfer_group)
    VALUES
        (n.id, n.merchant_id, n.livemode, n.version, n.created, n.intent_id, n.attempt_id, n.customer_id, n.payment_method_id,
         n.balance_transaction_id, n.status, n.amount, n.amount_captured, n.amount_refunded, n.amount_refund_pending, n.currency,
         n.captured, n.failure_code, n.failure_message, n.decline_code, n.network_reference, n.card, n.billing_details, n.description,
         n.statement_descriptor, n.statement_descriptor_suffix, n.receipt_email, n.metadata, n.shipping, n.transfer_group);
END $$;

CREATE OR REPLACE FUNCTION payments_insert_transaction(n payments_balance_transaction) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO payments_balance_transaction
        (id, merchant_id, livemode, version, created, type, amount, fee, net, currency, available_on, released, source, entry_id, description)
    VALUES
        (n.id, n.merchant_id, n.livemode, n.version, n.created, n.type, n.amount, n.fee, n.net, n.currency, n.available_on, n.released,
         n.source, n.entry_id, n.description);
END $$;

CREATE OR REPLACE FUNCTION payments_insert_funds(n payments_funds) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO payments_funds (charge_id, merchant_id, livemode, balance_transaction_id, currency, available_on, amount, remaining)
    VALUES (n.charge_id, n.merchant_id, n.livemode, n.balance_transaction_id, n.currency, n.available_on, n.amount, n.remaining);
END $$;

-- What a gateway told of the card, and whose it is now.
CREATE OR REPLACE FUNCTION payments_update_method(n payments_payment_method) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE payments_payment_method m SET version = n.version, card = n.card, customer_id = n.customer_id
    WHERE m.id = n.id AND m.version = n.version - 1;
END $$;

-- The rows of one command, each by its key: no plan here depends on how big a table is.
CREATE OR REPLACE FUNCTION payments_record_rows(c jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF jsonb_typeof(c -> 'attempt') = 'object' THEN
        PERFORM payments_update_attempt(c -> 'attempt', (c ->> 'look_s')::int);
    END IF;
    IF jsonb_typeof(c -> 'method') = 'object' THEN
        PERFORM payments_update_method(jsonb_populate_record(NULL::payments_payment_method, c -> 'method'));
    END IF;
    IF jsonb_typeof(c -> 'transaction') = 'object' THEN
        PERFORM payments_insert_transaction(jsonb_populate_record(NULL::payments_balance_transaction, c -> 'transaction'));
    END IF;
    IF jsonb_typeof(c -> 'charge') = 'object' THEN
        PERFORM payments_put_charge(jsonb_populate_record(NULL::payments_charge, c -> 'charge'));
    END IF;
    IF jsonb_typeof(c -> 'funds') = 'object' THEN
        PERFORM payments_insert_funds(jsonb_populate_record(NULL::payments_funds, c -> 'funds'));
    END IF;
    IF jsonb_typeof(c -> 'intent') = 'object' THEN
        PERFORM payments_update_intent(c -> 'intent');
    END IF;
END $$;

-- Posts the entries of those of the commands numbered `good` that have one. Returns the refusals by
-- number; what was refused was not posted.
CREATE OR REPLACE FUNCTION payments_post(commands jsonb, good int[]) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    entries jsonb := '[]';
    numbers int[] := '{}';
    refusals jsonb := '{}';
    outcomes jsonb;
    n int;
BEGIN
    FOREACH n IN ARRAY good LOOP
        IF jsonb_typeof(commands -> n -> 'entry') = 'object' THEN
            entries := entries || (commands -> n -> 'entry');
            numbers := numbers || n;
        END IF;
    END LOOP;
    IF numbers = '{}' THEN
        RETURN refusals;
    END IF;
    outcomes := ledger_post(entries);
    FOR at IN 1 .. cardinality(numbers) LOOP
        IF outcomes -> at - 1 ? 'error' THEN
            refusals := refusals || jsonb_build_object(numbers[at], outcomes -> at - 1);
        END IF;
    END LOOP;
    RETURN refusals;
END $$;

-- Events and stored answers of the commands numbered `good`: what every write of payments ends with.
CREATE OR REPLACE FUNCTION payments_tell(commands jsonb, good int[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    events jsonb := '[]';
    c jsonb;
    n int;
BEGIN
    FOREACH n IN ARRAY good LOOP
        c := commands -> n;
        events := events || (c -> 'events');
        IF jsonb_typeof(c -> 'answer') = 'object' THEN
            PERFORM idempotency_finish(c -> 'key', (c #>> '{answer,status}')::int, c #>> '{answer,body}');
        END IF;
    END LOOP;
    IF events <> '[]' THEN
        PERFORM events_write(events);
    END IF;
END $$;

-- The intents of several commands, locked in the order in which everybody locks them.
CREATE OR REPLACE FUNCTION payments_lock_intents(commands jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    wanted uuid;
BEGIN
    FOR wanted IN SELECT DISTINCT (c ->> 'intent_id')::uuid AS id FROM jsonb_array_elements(commands) c ORDER BY id LOOP
        PERFORM FROM payments_intent i WHERE i.id = wanted FOR NO KEY UPDATE;
    END LOOP;
END $$;

-- command: {"key", "claim": true where the key is not claimed yet, "attempt": row | null, "look_s", "window_s", "intent_id",
--   "intent_version", "intent": row | null, "charge": row | null, "method": row | null, "transaction": row | null,
--   "funds": row | null, "entry": ledger command | null, "events": […], "answer": {"status", "body"} | null}
-- refusals: "settled" (the attempt is over), "stale" (the intent changed), "unfounded", "ledger" (with "reason").
CREATE OR REPLACE FUNCTION payments_record(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    claims jsonb[] := payments_late_claims(commands);
    outcomes jsonb := '[]';
    good int[] := '{}';
    seen uuid[] := '{}';
    c jsonb;
    intent uuid;
    problem text;
    refusals jsonb;
    n int;
BEGIN
    IF jsonb_array_length(commands) > 1 THEN
        PERFORM payments_lock_intents(commands);
    END IF;
    FOR n IN 0 .. jsonb_array_length(commands) - 1 LOOP
        c := commands -> n;
        outcomes := outcomes || '{"ok": {}}'::jsonb;
        IF claims[n + 1] ->> 'outcome' <> 'new' THEN
            outcomes := jsonb_set(outcomes, ARRAY[n::text], jsonb_build_object('claim', claims[n + 1]));
            CONTINUE;
        END IF;
        intent := (c ->> 'intent_id')::uuid;
        problem := payments_record_problem(c);
        IF problem IS NULL AND intent <> ALL (seen) THEN
            good := good || n;
            seen := seen || intent;
        ELSE
            outcomes := jsonb_set(outcomes, ARRAY[n::text], payments_refuse(coalesce(problem, 'stale'), c));
        END IF;
    END LOOP;

    refusals := payments_post(commands, good);
    FOR n IN SELECT k::int FROM jsonb_object_keys(refusals) k LOOP
        good := array_remove(good, n);
        outcomes := jsonb_set(outcomes, ARRAY[n::text],
            payments_refuse('ledger', commands -> n) || jsonb_build_object('reason', refusals -> n::text));
    END LOOP;
    FOREACH n IN ARRAY good LOOP
        PERFORM payments_record_rows(commands -> n);
    END LOOP;
    PERFORM payments_tell(commands, good);
    RETURN outcomes;
END $$;
