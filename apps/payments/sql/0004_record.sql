-- The last phase of a payment: what the gateway said becomes state, postings, events and the stored
-- answer in one commit. Python made all of it from the rows as they were; a row that changed since
-- (its `version`) or an attempt that somebody else finished first refuses the command, whole.
--
-- Locks: idempotency keys (in order), intents (by id), attempts; then the ledger's.

-- The keys of `commands` are ours until the end of the transaction: keys come before payments.
-- A command that says "claim" has not claimed its key yet; for those, the claim is returned.
CREATE OR REPLACE FUNCTION payments_take_keys(commands jsonb) RETURNS jsonb[]
LANGUAGE plpgsql AS $$
DECLARE
    claims jsonb[] := array_fill(NULL::jsonb, ARRAY[jsonb_array_length(commands)]);
    k jsonb;
    item record;
BEGIN
    FOR item IN
        SELECT c, no::int FROM jsonb_array_elements(commands) WITH ORDINALITY AS x (c, no) WHERE c #>> '{key,key}' IS NOT NULL
        ORDER BY c #>> '{key,merchant_id}', c #>> '{key,livemode}', c #>> '{key,key}', no
    LOOP
        k := item.c -> 'key';
        IF (item.c ->> 'claim')::boolean THEN
            claims[item.no] := idempotency_claim(k);
        ELSE
            PERFORM FROM idempotency_record r
            WHERE r.merchant_id = (k ->> 'merchant_id')::uuid AND r.livemode = (k ->> 'livemode')::boolean AND r.key = k ->> 'key'
            FOR NO KEY UPDATE;
        END IF;
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

-- Why the command cannot be recorded any more, or null. `unfounded` is a "nothing happened there"
-- that the gateway's window does not cover yet: it must know our last byte for `window_s`, and must
-- have denied the reference for as long.
CREATE OR REPLACE FUNCTION payments_record_problem(c jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    attempt record;
    window_ interval := make_interval(secs => (c ->> 'window_s')::int);
BEGIN
    SELECT a.state, a.sent_until, a.missing_since INTO attempt FROM payments_attempt a
    WHERE a.id = (c #>> '{attempt,id}')::uuid FOR NO KEY UPDATE;
    IF attempt.state IN ('succeeded', 'failed') THEN
        RETURN 'settled';
    ELSIF attempt.missing_since IS NULL OR greatest(attempt.sent_until, attempt.missing_since) + window_ > clock_timestamp() THEN
        RETURN CASE WHEN window_ IS NOT NULL THEN 'unfounded' END;
    END IF;
    RETURN NULL;
END $$;

-- The attempts as they are now. `look_s` says when to ask again about one that is not over; without
-- it, what was planned holds. A void that went through ends the authorisation that still waited.
CREATE OR REPLACE FUNCTION payments_update_attempts(good jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE payments_attempt a SET
        version = a.version + 1, state = n.state, code = n.code, decline_code = n.decline_code,
        network_reference = n.network_reference,
        next_look_at = CASE WHEN n.state IN ('succeeded', 'failed') THEN NULL
                            WHEN g.look_s IS NULL THEN a.next_look_at
                            ELSE clock_timestamp() + make_interval(secs => g.look_s) END,
        ended_at = CASE WHEN n.state IN ('succeeded', 'failed') THEN clock_timestamp() END
    FROM jsonb_to_recordset(good) AS g (attempt jsonb, look_s int),
         jsonb_populate_record(NULL::payments_attempt, g.attempt) n
    WHERE a.id = n.id;

    IF jsonb_path_exists(good, '$[*].attempt ? (@.kind == "void" && @.state == "succeeded")') THEN
        UPDATE payments_attempt a SET version = a.version + 1, state = 'failed', code = 'canceled', next_look_at = NULL,
            ended_at = clock_timestamp()
        FROM jsonb_path_query(good, '$[*].attempt ? (@.kind == "void" && @.state == "succeeded")') v
        WHERE a.id = (v ->> 'authorization_id')::uuid AND a.state = 'waiting';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION payments_update_intents(rows jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE payments_intent i SET
        version = n.version, status = n.status, amount = n.amount, amount_capturable = n.amount_capturable,
        amount_received = n.amount_received, customer_id = n.customer_id, payment_method_id = n.payment_method_id,
        latest_charge_id = n.latest_charge_id, next_action = n.next_action, last_payment_error = n.last_payment_error,
        canceled_at = n.canceled_at, cancellation_reason = n.cancellation_reason
    FROM jsonb_populate_recordset(NULL::payments_intent, rows) n
    WHERE i.id = n.id;
END $$;

-- New charges are written, known ones (a later version) changed.
CREATE OR REPLACE FUNCTION payments_put_charges(rows jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO payments_charge AS ch
        (id, merchant_id, livemode, version, created, intent_id, attempt_id, customer_id, payment_method_id,
         balance_transaction_id, status, amount, amount_captured, amount_refunded, amount_refund_pending, currency, captured,
         failure_code, failure_message, decline_code, network_reference, card, billing_details, description,
         statement_descriptor, statement_descriptor_suffix, receipt_email, metadata, shipping, transfer_group)
    SELECT id, merchant_id, livemode, version, created, intent_id, attempt_id, customer_id, payment_method_id,
         balance_transaction_id, status, amount, amount_captured, amount_refunded, amount_refund_pending, currency, captured,
         failure_code, failure_message, decline_code, network_reference, card, billing_details, description,
         statement_descriptor, statement_descriptor_suffix, receipt_email, metadata, shipping, transfer_group
    FROM jsonb_populate_recordset(NULL::payments_charge, rows)
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, captured = excluded.captured,
        amount_captured = excluded.amount_captured, amount_refunded = excluded.amount_refunded,
        amount_refund_pending = excluded.amount_refund_pending, balance_transaction_id = excluded.balance_transaction_id;
END $$;

CREATE OR REPLACE FUNCTION payments_insert_transactions(rows jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO payments_balance_transaction
        (id, merchant_id, livemode, version, created, type, amount, fee, net, currency, available_on, released, source, entry_id, description)
    SELECT id, merchant_id, livemode, version, created, type, amount, fee, net, currency, available_on, released, source, entry_id, description
    FROM jsonb_populate_recordset(NULL::payments_balance_transaction, rows);
END $$;

CREATE OR REPLACE FUNCTION payments_insert_funds(rows jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO payments_funds
        (charge_id, merchant_id, livemode, balance_transaction_id, currency, available_on, amount, remaining)
    SELECT charge_id, merchant_id, livemode, balance_transaction_id, currency, available_on, amount, remaining
    FROM jsonb_populate_recordset(NULL::payments_funds, rows);
END $$;

-- What a gateway told of the card, and whose it is now.
CREATE OR REPLACE FUNCTION payments_update_methods(rows jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE payments_payment_method m SET version = n.version, card = n.card, customer_id = n.customer_id
    FROM jsonb_populate_recordset(NULL::payments_payment_method, rows) n
    WHERE m.id = n.id AND m.version = n.version - 1;
END $$;

-- Posts the entries of those `commands` that have one. Returns {command number: refusal} of those
-- that the ledger refused; for them, nothing was posted.
CREATE OR REPLACE FUNCTION payments_post(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    entries jsonb;
    numbers int[];
    refusals jsonb := '{}';
    outcomes jsonb;
BEGIN
    SELECT jsonb_agg(c -> 'entry' ORDER BY no), array_agg(no - 1 ORDER BY no) INTO entries, numbers
    FROM jsonb_array_elements(commands) WITH ORDINALITY AS x (c, no) WHERE c ->> 'entry' IS NOT NULL;
    IF entries IS NULL THEN
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

-- Events, stored answers: what every write of payments ends with.
CREATE OR REPLACE FUNCTION payments_tell(good jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    events jsonb := jsonb_path_query_array(good, '$[*].events[*]');
BEGIN
    IF events <> '[]' THEN
        PERFORM events_write(events);
    END IF;
    PERFORM idempotency_finish(g -> 'key', (g #>> '{answer,status}')::int, g #>> '{answer,body}')
    FROM jsonb_array_elements(good) g WHERE g ->> 'answer' IS NOT NULL;
END $$;

-- command: {"key", "claim": true where the key is not claimed yet, "attempt": row | null, "look_s", "window_s", "intent_id", "intent_version", "intent": row | null,
--   "charge": row | null, "method": row | null, "transaction": row | null, "funds": row | null, "entry": ledger command | null,
--   "events": […], "answer": {"status", "body"} | null}
-- refusals: "settled" (the attempt is over), "stale" (the intent changed), "unfounded", "ledger" (with "reason").
CREATE OR REPLACE FUNCTION payments_record(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    claims jsonb[] := payments_take_keys(commands);
    outcomes jsonb := '[]';
    good jsonb := '[]';
    places int[] := '{}';
    seen uuid[] := '{}';
    c jsonb;
    intent uuid;
    problem text;
    refusals jsonb;
    part jsonb;
BEGIN
    PERFORM FROM payments_intent i
    WHERE i.id IN (SELECT (x ->> 'intent_id')::uuid FROM jsonb_array_elements(commands) x) ORDER BY i.id FOR NO KEY UPDATE;

    FOR nth IN 0 .. jsonb_array_length(commands) - 1 LOOP
        c := commands -> nth;
        IF claims[nth + 1] ->> 'outcome' <> 'new' THEN
            outcomes := outcomes || jsonb_build_object('claim', claims[nth + 1]);
            CONTINUE;
        END IF;
        intent := (c ->> 'intent_id')::uuid;
        problem := CASE WHEN c ->> 'attempt' IS NOT NULL THEN payments_record_problem(c) END;
        IF problem IS NULL AND (intent = ANY (seen) OR NOT EXISTS (
            SELECT FROM payments_intent i WHERE i.id = intent AND i.version = (c ->> 'intent_version')::int)) THEN
            problem := 'stale';
        END IF;
        IF problem IS NULL THEN
            good := good || jsonb_build_array(c);
            places := places || nth;
            seen := seen || intent;
            outcomes := outcomes || '{"ok": {}}'::jsonb;
        ELSE
            outcomes := outcomes || payments_refuse(problem, c);
        END IF;
    END LOOP;

    refusals := payments_post(good);
    FOR nth IN REVERSE cardinality(places) - 1 .. 0 LOOP
        IF refusals ? nth::text THEN
            outcomes := jsonb_set(outcomes, ARRAY[places[nth + 1]::text],
                payments_refuse('ledger', good -> nth) || jsonb_build_object('reason', refusals -> nth::text));
            good := good - nth;
        END IF;
    END LOOP;

    PERFORM payments_update_attempts(good) WHERE jsonb_path_exists(good, '$[*].attempt ? (@ != null)');
    part := jsonb_path_query_array(good, '$[*].method ? (@ != null)');
    PERFORM payments_update_methods(part) WHERE part <> '[]';
    part := jsonb_path_query_array(good, '$[*].transaction ? (@ != null)');
    PERFORM payments_insert_transactions(part) WHERE part <> '[]';
    part := jsonb_path_query_array(good, '$[*].charge ? (@ != null)');
    PERFORM payments_put_charges(part) WHERE part <> '[]';
    part := jsonb_path_query_array(good, '$[*].funds ? (@ != null)');
    PERFORM payments_insert_funds(part) WHERE part <> '[]';
    part := jsonb_path_query_array(good, '$[*].intent ? (@ != null)');
    PERFORM payments_update_intents(part) WHERE part <> '[]';
    PERFORM payments_tell(good);
    RETURN outcomes;
END $$;
