-- The last phase of a payment by the short way, see 0012.

CREATE TYPE payments_attempt_told AS (id uuid, state text, code text, decline_code text, network_reference text);
CREATE TYPE payments_intent_told AS (
    id uuid, version int, status text, amount_capturable bigint, amount_received bigint, payment_method_id uuid,
    latest_charge_id uuid, next_action jsonb, last_payment_error jsonb, canceled_at timestamptz, cancellation_reason text);

-- Writes what gateways said: states, charges, money, answers and events. True where every command found
-- its intent in the version it knows and its attempt not over.
CREATE OR REPLACE FUNCTION payments_record_at_once(commands jsonb) RETURNS boolean
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    fine boolean;
BEGIN
    WITH x AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(commands) AS x (
            key idempotency_identity, answer idempotency_answer, attempt payments_attempt_told, look_s int,
            intent payments_intent_told, intent_version int, charge payments_charge, transaction payments_balance_transaction,
            funds payments_funds, events events_event[])

    -- payments_intent, locked by id
    ), intents AS (
        UPDATE payments_intent i SET
            version = (n).version, status = (n).status, amount_capturable = (n).amount_capturable,
            amount_received = (n).amount_received, payment_method_id = (n).payment_method_id,
            latest_charge_id = (n).latest_charge_id, next_action = nullif((n).next_action, 'null'),
            last_payment_error = nullif((n).last_payment_error, 'null'), canceled_at = (n).canceled_at,
            cancellation_reason = (n).cancellation_reason
        FROM (SELECT (x.intent).id, x.intent AS n, x.intent_version FROM x ORDER BY (x.intent).id) x
        WHERE i.id = x.id AND i.version = x.intent_version
        RETURNING 1

    -- payments_attempt
    ), attempts AS (
        UPDATE payments_attempt a SET
            version = a.version + 1, state = (n).state, code = (n).code, decline_code = (n).decline_code,
            network_reference = (n).network_reference,
            ended_at = CASE WHEN (n).state IN ('succeeded', 'failed') THEN clock_timestamp() END,
            next_look_at = CASE WHEN (n).state IN ('succeeded', 'failed') THEN NULL
                ELSE coalesce(clock_timestamp() + make_interval(secs => x.look_s), a.next_look_at) END
        FROM (SELECT (x.attempt).id, x.attempt AS n, x.look_s FROM x) x
        WHERE a.id = x.id AND a.state NOT IN ('succeeded', 'failed')
        RETURNING 1

    -- payments_balance_transaction
    ), transactions AS (
        INSERT INTO payments_balance_transaction
            (id, merchant_id, livemode, version, created, type, amount, fee, net, currency, available_on, released, source, entry_id, description)
        SELECT (n).id, (n).merchant_id, (n).livemode, (n).version, (n).created, (n).type, (n).amount, (n).fee, (n).net, (n).currency,
               (n).available_on, (n).released, (n).source, (n).entry_id, (n).description
        FROM (SELECT x.transaction AS n FROM x) x WHERE (n).id IS NOT NULL

    -- payments_charge: the new ones
    ), charges AS (
        INSERT INTO payments_charge
            (id, merchant_id, livemode, version, created, intent_id, attempt_id, customer_id, payment_method_id,
             balance_transaction_id, status, amount, amount_captured, amount_refunded, amount_refund_pending, currency, captured,
             failure_code, failure_message, decline_code, network_reference, card, billing_details, description,
             statement_descriptor, statement_descriptor_suffix, receipt_email, metadata, shipping, transfer_group)
        SELECT (n).id, (n).merchant_id, (n).livemode, (n).version, (n).created, (n).intent_id, (n).attempt_id, (n).customer_id,
               (n).payment_method_id, (n).balance_transaction_id, (n).status, (n).amount, (n).amount_captured, (n).amount_refunded,
               (n).amount_refund_pending, (n).currency, (n).captured, (n).failure_code, (n).failure_message, (n).decline_code,
               (n).network_reference, (n).card, (n).billing_details, (n).description, (n).statement_descriptor,
               (n).statement_descriptor_suffix, (n).receipt_email, (n).metadata, (n).shipping, (n).transfer_group
        FROM (SELECT x.charge AS n FROM x) x WHERE (n).version = 1

    -- payments_funds
    ), funds AS (
        INSERT INTO payments_funds (charge_id, merchant_id, livemode, balance_transaction_id, currency, available_on, amount, remaining)
        SELECT (n).charge_id, (n).merchant_id, (n).livemode, (n).balance_transaction_id, (n).currency, (n).available_on, (n).amount,
               (n).remaining
        FROM (SELECT x.funds AS n FROM x) x WHERE (n).charge_id IS NOT NULL

    -- idempotency_record: the answers; a record that is done keeps its first one
    ), finished AS (
        UPDATE idempotency_record AS r SET
            state = 'done', status = (x.answer).status, body = (x.answer).body, locked_until = NULL
        FROM x
        WHERE r.merchant_id = (x.key).merchant_id AND r.livemode = (x.key).livemode AND r.key = (x.key).key
          AND r.fingerprint = decode((x.key).fingerprint, 'hex') AND r.state = 'running' AND (x.answer).status IS NOT NULL

    -- events_event and events_outbox
    ), told AS (
        INSERT INTO events_event
            (id, merchant_id, livemode, type, created, object_id, sequence, data, previous_attributes, request_id, idempotency_key)
        SELECT coalesce((e).id, uuidv7()), (e).merchant_id, (e).livemode, (e).type, (e).created, (e).object_id, (e).sequence,
               coalesce((e).data, body), (e).previous_attributes, (e).request_id, (e).idempotency_key
        FROM (SELECT unnest(x.events) AS e, (x.answer).body FROM x) x
        RETURNING id, created, merchant_id, livemode, type
    ), outbox AS (
        INSERT INTO events_outbox (event_id, event_created, merchant_id, livemode, type, written_at)
        SELECT t.id, t.created, t.merchant_id, t.livemode, t.type, clock_timestamp() FROM told t
    )
    SELECT (SELECT count(*) FROM intents) = jsonb_array_length(commands)
       AND (SELECT count(*) FROM attempts) = jsonb_array_length(commands) INTO fine;
    RETURN fine;
END $$;

-- As `payments_record_at_once`, with what changes by itself: charges that are there already, cards that
-- a gateway told more of, an authorisation that a void ended.
CREATE OR REPLACE FUNCTION payments_record_altogether(commands jsonb) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    fine boolean := payments_record_at_once(commands);
BEGIN
    IF jsonb_path_exists(commands, '$[*] ? (@.method != null || @.charge.version > 1)') THEN
        PERFORM payments_change_known(commands);
    END IF;
    IF jsonb_path_exists(commands, '$[*].attempt ? (@.kind == "void" && @.state == "succeeded")') THEN
        PERFORM payments_end_waiting(commands);
    END IF;
    RETURN fine;
END $$;

CREATE OR REPLACE FUNCTION payments_record(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
    -- `window_s`: only the long way knows what a gateway's denial is worth.
    IF NOT jsonb_path_exists(commands, '$[*] ? (@.attempt == null || @.intent == null || @.claim == true || @.window_s != null)') THEN
        BEGIN
            IF payments_record_altogether(commands) AND payments_book(commands, '{}') = '{}' THEN
                RETURN payments_outcomes(jsonb_array_length(commands), '{}');
            END IF;
            RAISE SQLSTATE 'FL001';
        EXCEPTION WHEN SQLSTATE 'FL001' OR integrity_constraint_violation OR data_exception THEN
            -- Nothing of it stays.
        END;
    END IF;
    RETURN payments_record_the_long_way(commands);
END $$;

-- As 0009 had it: late claims, what changed meanwhile, what the ledger refuses, then the others' rows.
CREATE OR REPLACE FUNCTION payments_record_the_long_way(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    many int := jsonb_array_length(commands);
    settled jsonb := payments_late_claimed(commands);
    good jsonb := payments_without(commands, settled);
    problems jsonb;
    done boolean;
BEGIN
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
        done := payments_record_altogether(good);
    END IF;
    RETURN payments_outcomes(many, settled);
END $$;
