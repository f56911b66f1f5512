-- Begin and record for a whole batch. See 0003 and 0004 for what each phase means, and for the locks.

-- New intents that are confirmed with a card given anew: nothing of it exists yet, so all of it is
-- written as it comes, and the caller knows it.
CREATE OR REPLACE FUNCTION payments_begin_new(commands jsonb) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    PERFORM payments_insert_methods(commands);
    PERFORM payments_insert_intents(commands);
    INSERT INTO payments_attempt
        (id, merchant_id, livemode, version, created, intent_id, charge_id, payment_method_id, kind, state, gateway, amount, currency,
         capture, off_session, request, looks, next_look_at, sent_until, started_at)
    SELECT (x.attempt).id, i.merchant_id, i.livemode, 1, (x.attempt).created, i.id, (x.attempt).charge_id,
           i.payment_method_id, (x.attempt).kind, 'started', (x.attempt).gateway, i.amount, i.currency, i.capture_method <> 'manual', coalesce((x.attempt).off_session, false),
           (x.attempt).request, 0, clock_timestamp() + make_interval(secs => x.first_look_s),
           clock_timestamp() + make_interval(secs => x.last_byte_s), clock_timestamp()
    FROM jsonb_to_recordset(commands) AS x (intent jsonb, attempt payments_attempt, first_look_s int, last_byte_s int)
    CROSS JOIN LATERAL jsonb_to_record(x.intent) AS i (id uuid, merchant_id uuid, livemode boolean, payment_method_id uuid, amount bigint,
        currency text, capture_method text);
END $$;

-- One begin that looks at rows which are there already; its key is given back where it is refused.
CREATE OR REPLACE FUNCTION payments_begin_known(c jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    outcome jsonb := payments_begin_one(c);
BEGIN
    IF outcome ? 'error' THEN
        PERFORM idempotency_give_back(c);
    END IF;
    RETURN outcome;
END $$;

CREATE OR REPLACE FUNCTION payments_begin(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    many int := jsonb_array_length(commands);
    settled jsonb := idempotency_claims(commands, answered => false);
    fresh jsonb := payments_without(commands, settled);
    others jsonb := '{}';
BEGIN
    -- What is not all new is begun one by one, in the order of the intents.
    IF jsonb_path_exists(fresh, '$[*] ? (@.intent == null || @.method == null || @.with_customer == true || @.intent.customer_id != null)') THEN
        PERFORM payments_lock_intents(fresh);
        SELECT coalesce(jsonb_object_agg(n.no, payments_begin_known(n.command)), '{}') INTO others
        FROM payments_numbered(fresh, settled) n
        WHERE jsonb_path_exists(n.command, '$ ? (@.intent == null || @.method == null || @.with_customer == true || @.intent.customer_id != null)');
        PERFORM events_tell(told) FROM (SELECT jsonb_agg(n.command) AS told FROM payments_numbered(fresh, settled) n
            WHERE others ? n.no::text AND NOT others -> n.no::text ? 'error' AND jsonb_array_length(n.command -> 'events') > 0) t WHERE told IS NOT NULL;
        fresh := payments_left(fresh, settled, others);
        settled := settled || others;
    END IF;
    IF fresh <> '[]' THEN
        PERFORM payments_begin_new(fresh);
        PERFORM events_tell(fresh);
    END IF;
    RETURN payments_outcomes(many, settled);
END $$;

-- Whether all commands can be recorded, as far as intents and attempts say; they are locked.
CREATE OR REPLACE FUNCTION payments_all_recordable(commands jsonb) RETURNS boolean
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    fine boolean;
BEGIN
    SELECT count(*) = jsonb_array_length(commands) AND count(DISTINCT l.id) = count(*) AND bool_and(l.fine) INTO fine
    FROM (
        SELECT i.id, i.version = x.intent_version AND a.state NOT IN ('succeeded', 'failed') AS fine
        FROM jsonb_to_recordset(commands) AS x (intent_id uuid, intent_version int, attempt jsonb)
        JOIN payments_intent i ON i.id = x.intent_id
        JOIN payments_attempt a ON a.id = (x.attempt ->> 'id')::uuid
        ORDER BY i.id FOR NO KEY UPDATE OF i, a
    ) l;
    RETURN fine;
END $$;

-- The refusals of the commands that cannot be recorded, by number, each looked at by itself.
CREATE OR REPLACE FUNCTION payments_unrecordable(commands jsonb, settled jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    found jsonb := '{}';
    seen uuid[] := '{}';
    item record;
    intent uuid;
    problem text;
BEGIN
    PERFORM payments_lock_intents(commands);
    FOR item IN SELECT * FROM payments_numbered(commands, settled) LOOP
        intent := (item.command ->> 'intent_id')::uuid;
        problem := payments_record_problem(item.command);
        IF problem IS NULL AND intent <> ALL (seen) THEN
            seen := seen || intent;
        ELSE
            found := found || jsonb_build_object(item.no, payments_refuse(coalesce(problem, 'stale'), item.command));
        END IF;
    END LOOP;
    RETURN found;
END $$;

CREATE OR REPLACE FUNCTION payments_update_attempts(commands jsonb) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
    UPDATE payments_attempt a SET
        version = a.version + 1, state = n.state, code = n.code, decline_code = n.decline_code,
        network_reference = n.network_reference,
        ended_at = CASE WHEN n.state IN ('succeeded', 'failed') THEN clock_timestamp() END,
        next_look_at = CASE WHEN n.state IN ('succeeded', 'failed') THEN NULL
            ELSE coalesce(clock_timestamp() + make_interval(secs => x.look_s), a.next_look_at) END
    FROM jsonb_to_recordset(commands) AS x (attempt jsonb, look_s int)
    CROSS JOIN LATERAL jsonb_to_record(x.attempt) AS n (id uuid, state text, code text, decline_code text, network_reference text)
    WHERE a.id = n.id AND jsonb_typeof(x.attempt) = 'object';
    IF jsonb_path_exists(commands, '$[*].attempt ? (@.kind == "void" && @.state == "succeeded")') THEN
        UPDATE payments_attempt a SET version = a.version + 1, state = 'failed', code = 'canceled', next_look_at = NULL,
            ended_at = clock_timestamp()
        FROM jsonb_to_recordset(commands) AS x (attempt jsonb)
        WHERE a.id = (x.attempt ->> 'authorization_id')::uuid AND a.state = 'waiting'
          AND x.attempt ->> 'kind' = 'void' AND x.attempt ->> 'state' = 'succeeded';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION payments_update_intents(commands jsonb) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
    UPDATE payments_intent i SET
        version = n.version, status = n.status, amount_capturable = n.amount_capturable,
        amount_received = n.amount_received, payment_method_id = n.payment_method_id,
        latest_charge_id = n.latest_charge_id, next_action = nullif(n.next_action, 'null'),
        last_payment_error = nullif(n.last_payment_error, 'null'), canceled_at = n.canceled_at,
        cancellation_reason = n.cancellation_reason
    FROM jsonb_to_recordset(commands) AS x (intent jsonb)
    CROSS JOIN LATERAL jsonb_to_record(x.intent) AS n (id uuid, version int, status text, amount_capturable bigint, amount_received bigint,
        payment_method_id uuid, latest_charge_id uuid, next_action jsonb, last_payment_error jsonb, canceled_at timestamptz,
        cancellation_reason text)
    WHERE i.id = n.id AND jsonb_typeof(x.intent) = 'object';
END $$;

CREATE OR REPLACE FUNCTION payments_insert_charges(commands jsonb) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    INSERT INTO payments_charge
        (id, merchant_id, livemode, version, created, intent_id, attempt_id, customer_id, payment_method_id,
         balance_transaction_id, status, amount, amount_captured, amount_refunded, amount_refund_pending, currency, captured,
         failure_code, failure_message, decline_code, network_reference, card, billing_details, description,
         statement_descriptor, statement_descriptor_suffix, receipt_email, metadata, shipping, transfer_group)
    SELECT n.id, n.merchant_id, n.livemode, n.version, n.created, n.intent_id, n.attempt_id, n.customer_id, n.payment_method_id,
           n.balance_transaction_id, n.status, n.amount, n.amount_captured, n.amount_refunded, n.amount_refund_pending, n.currency,
           n.captured, n.failure_code, n.failure_message, n.decline_code, n.network_reference, n.card, n.billing_details, n.description,
           n.statement_descriptor, n.statement_descriptor_suffix, n.receipt_email, n.metadata, n.shipping, n.transfer_group
    FROM jsonb_to_recordset(commands) AS x (charge jsonb)
    CROSS JOIN LATERAL jsonb_populate_record(NULL::payments_charge, x.charge) n
    WHERE jsonb_typeof(x.charge) = 'object' AND n.version = 1;
END $$;

CREATE OR REPLACE FUNCTION payments_insert_all_funds(commands jsonb) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    INSERT INTO payments_funds (charge_id, merchant_id, livemode, balance_transaction_id, currency, available_on, amount, remaining)
    SELECT n.charge_id, n.merchant_id, n.livemode, n.balance_transaction_id, n.currency, n.available_on, n.amount, n.remaining
    FROM jsonb_populate_recordset(NULL::payments_funds, jsonb_path_query_array(commands, '$[*].funds ? (@ != null)')) n;
END $$;

-- Charges that are there already (a capture, a refund) and what gateways told of cards: by their keys.
CREATE OR REPLACE FUNCTION payments_change_known(commands jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    found jsonb;
BEGIN
    FOR found IN SELECT jsonb_path_query(commands, '$[*].charge ? (@.version > 1)') LOOP
        PERFORM payments_put_charge(jsonb_populate_record(NULL::payments_charge, found));
    END LOOP;
    FOR found IN SELECT jsonb_path_query(commands, '$[*].method ? (@ != null)') LOOP
        PERFORM payments_update_method(jsonb_populate_record(NULL::payments_payment_method, found));
    END LOOP;
END $$;

-- The rows of all commands, each kind by one statement.
CREATE OR REPLACE FUNCTION payments_record_all(commands jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF jsonb_path_exists(commands, '$[*].attempt ? (@ != null)') THEN
        PERFORM payments_update_attempts(commands);
    END IF;
    IF jsonb_path_exists(commands, '$[*] ? (@.method != null || @.charge.version > 1)') THEN
        PERFORM payments_change_known(commands);
    END IF;
    IF jsonb_path_exists(commands, '$[*].transaction ? (@ != null)') THEN
        PERFORM payments_insert_transactions(commands, '$[*].transaction ? (@ != null)');
    END IF;
    IF jsonb_path_exists(commands, '$[*].charge ? (@.version == 1)') THEN
        PERFORM payments_insert_charges(commands);
    END IF;
    IF jsonb_path_exists(commands, '$[*].funds ? (@ != null)') THEN
        PERFORM payments_insert_all_funds(commands);
    END IF;
    IF jsonb_path_exists(commands, '$[*].intent ? (@ != null)') THEN
        PERFORM payments_update_intents(commands);
    END IF;
    PERFORM idempotency_finishes(commands);
    PERFORM events_tell(commands);
END $$;

-- The claims of those commands that have not claimed their key yet and did not get it, by number.
CREATE OR REPLACE FUNCTION payments_late_claimed(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    claims jsonb[];
BEGIN
    IF NOT jsonb_path_exists(commands, '$[*].claim ? (@ == true)') THEN
        RETURN '{}';
    END IF;
    claims := payments_late_claims(commands);
    RETURN (SELECT coalesce(jsonb_object_agg(no - 1, jsonb_build_object('claim', c)), '{}')
            FROM unnest(claims) WITH ORDINALITY AS x (c, no) WHERE c ->> 'outcome' <> 'new');
END $$;

CREATE OR REPLACE FUNCTION payments_record(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    many int := jsonb_array_length(commands);
    settled jsonb := payments_late_claimed(commands);
    good jsonb := payments_without(commands, settled);
    problems jsonb;
BEGIN
    -- `window_s`: only the slow look knows what a gateway's denial is worth.
    IF jsonb_path_exists(good, '$[*] ? (@.attempt == null || @.window_s != null)') OR NOT payments_all_recordable(good) THEN
        problems := payments_unrecordable(good, settled);
        good := payments_left(good, settled, problems);
        settled := settled || problems;
    END IF;
    problems := payments_book(good, settled);
    IF problems <> '{}' THEN
        SELECT jsonb_object_agg(n.no, payments_refuse('ledger', n.command) || jsonb_build_object('reason', problems -> n.no::text))
        INTO problems FROM payments_numbered(good, settled) n WHERE problems ? n.no::text;
        good := payments_left(good, settled, problems);
        settled := settled || problems;
    END IF;
    IF good <> '[]' THEN
        PERFORM payments_record_all(good);
    END IF;
    RETURN payments_outcomes(many, settled);
END $$;
