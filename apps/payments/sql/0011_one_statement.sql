-- What a batch writes, by one statement for all its tables. To start a statement costs more than a row:
-- eight of them, each in a function of its own (0008, 0009), were half of what a lone payment cost.
-- No order among the parts is needed: each has a table to itself, and references are checked at the end.

CREATE OR REPLACE FUNCTION payments_create_all(commands jsonb) RETURNS boolean
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    WITH x AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(commands) AS x (intent jsonb, events jsonb, answer jsonb)
    ), made AS (
        INSERT INTO payments_intent
            (id, merchant_id, livemode, version, created, status, amount, amount_capturable, amount_received, currency,
             capture_method, confirmation_method, customer_id, payment_method_id, client_secret, description,
             statement_descriptor, statement_descriptor_suffix, receipt_email, metadata, setup_future_usage, shipping,
             automatic_payment_methods, payment_method_options, transfer_group, return_url)
        SELECT n.id, n.merchant_id, n.livemode, n.version, n.created, n.status, n.amount, n.amount_capturable, n.amount_received,
               n.currency, n.capture_method, n.confirmation_method, n.customer_id, n.payment_method_id, n.client_secret, n.description,
               n.statement_descriptor, n.statement_descriptor_suffix, n.receipt_email, n.metadata, n.setup_future_usage, n.shipping,
               n.automatic_payment_methods, n.payment_method_options, n.transfer_group, n.return_url
        FROM x CROSS JOIN LATERAL jsonb_populate_record(NULL::payments_intent, x.intent) n
    ), written AS (
        INSERT INTO events_event (id, merchant_id, livemode, type, created, object_id, sequence, data, previous_attributes, request_id, idempotency_key)
        SELECT coalesce(e.id, uuidv7()), e.merchant_id, e.livemode, e.type, e.created, e.object_id, e.sequence,
               coalesce(e.data, x.answer ->> 'body'), e.previous_attributes, e.request_id, e.idempotency_key
        FROM x CROSS JOIN LATERAL jsonb_to_recordset(x.events) AS e (
            id uuid, merchant_id uuid, livemode boolean, type text, created timestamptz, object_id uuid, sequence int,
            data text, previous_attributes text, request_id text, idempotency_key text)
        RETURNING id, created, merchant_id, livemode, type
    )
    INSERT INTO events_outbox (event_id, event_created, merchant_id, livemode, type, written_at)
    SELECT *, clock_timestamp() FROM written;
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION payments_create(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    many int := jsonb_array_length(commands);
    refused jsonb := idempotency_claims(commands, answered => true);
    problems jsonb;
    done boolean;
BEGIN
    commands := payments_without(commands, refused);
    problems := payments_parties_refused(commands, refused);
    IF problems <> '{}' THEN
        commands := payments_left(commands, refused, problems);
        refused := refused || problems;
    END IF;
    IF commands <> '[]' THEN
        IF jsonb_path_exists(commands, '$[*].method.id') THEN
            PERFORM payments_insert_methods(commands);
        END IF;
        done := payments_create_all(commands);
    END IF;
    RETURN payments_outcomes(many, refused);
END $$;

CREATE OR REPLACE FUNCTION payments_transfer_all(commands jsonb) RETURNS boolean
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    WITH x AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(commands) AS x (transfer jsonb, transactions jsonb, events jsonb, answer jsonb)
    ), sides AS (
        INSERT INTO payments_balance_transaction
            (id, merchant_id, livemode, version, created, type, amount, fee, net, currency, available_on, released, source, entry_id, description)
        SELECT n.id, n.merchant_id, n.livemode, n.version, n.created, n.type, n.amount, n.fee, n.net, n.currency, n.available_on, n.released,
               n.source, n.entry_id, n.description
        FROM x CROSS JOIN LATERAL jsonb_populate_recordset(NULL::payments_balance_transaction, x.transactions) n
    ), made AS (
        INSERT INTO payments_transfer
            (id, merchant_id, livemode, version, created, destination_id, balance_transaction_id, amount, currency, description, metadata,
             transfer_group)
        SELECT n.id, n.merchant_id, n.livemode, n.version, n.created, n.destination_id, n.balance_transaction_id, n.amount, n.currency,
               n.description, n.metadata, n.transfer_group
        FROM x CROSS JOIN LATERAL jsonb_populate_record(NULL::payments_transfer, x.transfer) n
    ), written AS (
        INSERT INTO events_event (id, merchant_id, livemode, type, created, object_id, sequence, data, previous_attributes, request_id, idempotency_key)
        SELECT coalesce(e.id, uuidv7()), e.merchant_id, e.livemode, e.type, e.created, e.object_id, e.sequence,
               coalesce(e.data, x.answer ->> 'body'), e.previous_attributes, e.request_id, e.idempotency_key
        FROM x CROSS JOIN LATERAL jsonb_to_recordset(x.events) AS e (
            id uuid, merchant_id uuid, livemode boolean, type text, created timestamptz, object_id uuid, sequence int,
            data text, previous_attributes text, request_id text, idempotency_key text)
        RETURNING id, created, merchant_id, livemode, type
    )
    INSERT INTO events_outbox (event_id, event_created, merchant_id, livemode, type, written_at)
    SELECT *, clock_timestamp() FROM written;
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION payments_transfer(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    many int := jsonb_array_length(commands);
    refused jsonb := idempotency_claims(commands, answered => true);
    problems jsonb;
    done boolean;
BEGIN
    commands := payments_without(commands, refused);
    problems := payments_book(commands, refused);
    IF problems <> '{}' THEN
        PERFORM idempotency_give_back(n.command) FROM payments_numbered(commands, refused) n WHERE problems ? n.no::text;
        commands := payments_left(commands, refused, problems);
        refused := refused || problems;
    END IF;
    IF commands <> '[]' THEN
        done := payments_transfer_all(commands);
    END IF;
    RETURN payments_outcomes(many, refused);
END $$;

-- New intents that are confirmed with a card given anew, see 0009.
CREATE OR REPLACE FUNCTION payments_begin_all(commands jsonb) RETURNS boolean
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    WITH x AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(commands) AS x (method jsonb, intent jsonb, attempt jsonb, first_look_s int, last_byte_s int, events jsonb)
    ), methods AS (
        INSERT INTO payments_payment_method
            (id, merchant_id, livemode, version, created, customer_id, gateway, token, card, billing_details, metadata)
        SELECT n.id, n.merchant_id, n.livemode, n.version, n.created, n.customer_id, n.gateway, n.token, n.card, n.billing_details, n.metadata
        FROM x CROSS JOIN LATERAL jsonb_populate_record(NULL::payments_payment_method, x.method) n
    ), intents AS (
        INSERT INTO payments_intent
            (id, merchant_id, livemode, version, created, status, amount, amount_capturable, amount_received, currency,
             capture_method, confirmation_method, customer_id, payment_method_id, client_secret, description,
             statement_descriptor, statement_descriptor_suffix, receipt_email, metadata, setup_future_usage, shipping,
             automatic_payment_methods, payment_method_options, transfer_group, return_url)
        SELECT n.id, n.merchant_id, n.livemode, n.version, n.created, n.status, n.amount, n.amount_capturable, n.amount_received,
               n.currency, n.capture_method, n.confirmation_method, n.customer_id, n.payment_method_id, n.client_secret, n.description,
               n.statement_descriptor, n.statement_descriptor_suffix, n.receipt_email, n.metadata, n.setup_future_usage, n.shipping,
               n.automatic_payment_methods, n.payment_method_options, n.transfer_group, n.return_url
        FROM x CROSS JOIN LATERAL jsonb_populate_record(NULL::payments_intent, x.intent) n
    ), attempts AS (
        INSERT INTO payments_attempt
            (id, merchant_id, livemode, version, created, intent_id, charge_id, payment_method_id, kind, state, gateway, amount, currency,
             capture, off_session, request, looks, next_look_at, sent_until, started_at)
        SELECT a.id, i.merchant_id, i.livemode, 1, a.created, i.id, a.charge_id, i.payment_method_id, a.kind, 'started', a.gateway,
               i.amount, i.currency, i.capture_method <> 'manual', coalesce(a.off_session, false), a.request, 0,
               clock_timestamp() + make_interval(secs => x.first_look_s), clock_timestamp() + make_interval(secs => x.last_byte_s),
               clock_timestamp()
        FROM x
        CROSS JOIN LATERAL jsonb_to_record(x.attempt) AS a (id uuid, created timestamptz, charge_id uuid, kind text, gateway text,
            off_session boolean, request jsonb)
        CROSS JOIN LATERAL jsonb_to_record(x.intent) AS i (id uuid, merchant_id uuid, livemode boolean, payment_method_id uuid,
            amount bigint, currency text, capture_method text)
    ), written AS (
        INSERT INTO events_event (id, merchant_id, livemode, type, created, object_id, sequence, data, previous_attributes, request_id, idempotency_key)
        SELECT coalesce(e.id, uuidv7()), e.merchant_id, e.livemode, e.type, e.created, e.object_id, e.sequence,
               e.data, e.previous_attributes, e.request_id, e.idempotency_key
        FROM x CROSS JOIN LATERAL jsonb_to_recordset(x.events) AS e (
            id uuid, merchant_id uuid, livemode boolean, type text, created timestamptz, object_id uuid, sequence int,
            data text, previous_attributes text, request_id text, idempotency_key text)
        RETURNING id, created, merchant_id, livemode, type
    )
    INSERT INTO events_outbox (event_id, event_created, merchant_id, livemode, type, written_at)
    SELECT *, clock_timestamp() FROM written;
    RETURN true;
END $$;

-- As in 0009, with what is all new written by one statement.
CREATE OR REPLACE FUNCTION payments_begin(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    many int := jsonb_array_length(commands);
    settled jsonb := idempotency_claims(commands, answered => false);
    fresh jsonb := payments_without(commands, settled);
    others jsonb;
    done boolean;
BEGIN
    -- What is not all new is begun one by one, in the order of the intents.
    IF jsonb_path_exists(fresh, '$[*] ? (@.intent == null || @.method == null || @.with_customer == true || @.intent.customer_id != null)') THEN
        others := payments_begin_others(fresh, settled);
        fresh := payments_left(fresh, settled, others);
        settled := settled || others;
    END IF;
    IF fresh <> '[]' THEN
        done := payments_begin_all(fresh);
    END IF;
    RETURN payments_outcomes(many, settled);
END $$;

-- The outcomes, by number, of the begins that look at rows which are there already.
CREATE OR REPLACE FUNCTION payments_begin_others(fresh jsonb, settled jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    others jsonb;
    told jsonb;
BEGIN
    PERFORM payments_lock_intents(fresh);
    SELECT coalesce(jsonb_object_agg(n.no, payments_begin_known(n.command)), '{}') INTO others
    FROM payments_numbered(fresh, settled) n
    WHERE jsonb_path_exists(n.command, '$ ? (@.intent == null || @.method == null || @.with_customer == true || @.intent.customer_id != null)');
    SELECT jsonb_agg(n.command) INTO told FROM payments_numbered(fresh, settled) n
    WHERE others ? n.no::text AND NOT others -> n.no::text ? 'error' AND jsonb_array_length(n.command -> 'events') > 0;
    IF told IS NOT NULL THEN
        PERFORM events_tell(told);
    END IF;
    RETURN others;
END $$;

-- The rows of all commands that can be recorded, their answers and events.
CREATE OR REPLACE FUNCTION payments_record_everything(commands jsonb) RETURNS boolean
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
    WITH x AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(commands) AS x (key idempotency_identity, answer idempotency_answer, attempt jsonb, look_s int,
            intent jsonb, charge jsonb, transaction jsonb, funds jsonb, events jsonb)
    ), attempts AS (
        UPDATE payments_attempt a SET
            version = a.version + 1, state = n.state, code = n.code, decline_code = n.decline_code, network_reference = n.network_reference,
            ended_at = CASE WHEN n.state IN ('succeeded', 'failed') THEN clock_timestamp() END,
            next_look_at = CASE WHEN n.state IN ('succeeded', 'failed') THEN NULL
                ELSE coalesce(clock_timestamp() + make_interval(secs => x.look_s), a.next_look_at) END
        FROM x CROSS JOIN LATERAL jsonb_to_record(x.attempt) AS n (id uuid, state text, code text, decline_code text, network_reference text)
        WHERE a.id = n.id AND jsonb_typeof(x.attempt) = 'object'
    ), transactions AS (
        INSERT INTO payments_balance_transaction
            (id, merchant_id, livemode, version, created, type, amount, fee, net, currency, available_on, released, source, entry_id, description)
        SELECT n.id, n.merchant_id, n.livemode, n.version, n.created, n.type, n.amount, n.fee, n.net, n.currency, n.available_on, n.released,
               n.source, n.entry_id, n.description
        FROM x CROSS JOIN LATERAL jsonb_populate_record(NULL::payments_balance_transaction, x.transaction) n
        WHERE jsonb_typeof(x.transaction) = 'object'
    ), charges AS (
        INSERT INTO payments_charge
            (id, merchant_id, livemode, version, created, intent_id, attempt_id, customer_id, payment_method_id,
             balance_transaction_id, status, amount, amount_captured, amount_refunded, amount_refund_pending, currency, captured,
             failure_code, failure_message, decline_code, network_reference, card, billing_details, description,
             statement_descriptor, statement_descriptor_suffix, receipt_email, metadata, shipping, transfer_group)
        SELECT n.id, n.merchant_id, n.livemode, n.version, n.created, n.intent_id, n.attempt_id, n.customer_id, n.payment_method_id,
               n.balance_transaction_id, n.status, n.amount, n.amount_captured, n.amount_refunded, n.amount_refund_pending, n.currency,
               n.captured, n.failure_code, n.failure_message, n.decline_code, n.network_reference, n.card, n.billing_details, n.description,
               n.statement_descriptor, n.statement_descriptor_suffix, n.receipt_email, n.metadata, n.shipping, n.transfer_group
        FROM x CROSS JOIN LATERAL jsonb_populate_record(NULL::payments_charge, x.charge) n
        WHERE jsonb_typeof(x.charge) = 'object' AND n.version = 1
    ), funds AS (
        INSERT INTO payments_funds (charge_id, merchant_id, livemode, balance_transaction_id, currency, available_on, amount, remaining)
        SELECT n.charge_id, n.merchant_id, n.livemode, n.balance_transaction_id, n.currency, n.available_on, n.amount, n.remaining
        FROM x CROSS JOIN LATERAL jsonb_populate_record(NULL::payments_funds, x.funds) n
        WHERE jsonb_typeof(x.funds) = 'object'
    ), intents AS (
        UPDATE payments_intent i SET
            version = n.version, status = n.status, amount_capturable = n.amount_capturable,
            amount_received = n.amount_received, payment_method_id = n.payment_method_id,
            latest_charge_id = n.latest_charge_id, next_action = nullif(n.next_action, 'null'),
            last_payment_error = nullif(n.last_payment_error, 'null'), canceled_at = n.canceled_at,
            cancellation_reason = n.cancellation_reason
        FROM x CROSS JOIN LATERAL jsonb_to_record(x.intent) AS n (id uuid, version int, status text, amount_capturable bigint,
            amount_received bigint, payment_method_id uuid, latest_charge_id uuid, next_action jsonb, last_payment_error jsonb,
            canceled_at timestamptz, cancellation_reason text)
        WHERE i.id = n.id AND jsonb_typeof(x.intent) = 'object'
    ), finished AS (
        UPDATE idempotency_record AS r SET
            state = 'done', status = (x.answer).status, body = (x.answer).body, locked_until = NULL
        FROM x
        WHERE r.merchant_id = (x.key).merchant_id AND r.livemode = (x.key).livemode AND r.key = (x.key).key
          AND r.fingerprint = decode((x.key).fingerprint, 'hex') AND r.state = 'running' AND (x.answer).status IS NOT NULL
    ), written AS (
        INSERT INTO events_event (id, merchant_id, livemode, type, created, object_id, sequence, data, previous_attributes, request_id, idempotency_key)
        SELECT coalesce(e.id, uuidv7()), e.merchant_id, e.livemode, e.type, e.created, e.object_id, e.sequence,
               coalesce(e.data, (x.answer).body), e.previous_attributes, e.request_id, e.idempotency_key
        FROM x CROSS JOIN LATERAL jsonb_to_recordset(x.events) AS e (
            id uuid, merchant_id uuid, livemode boolean, type text, created timestamptz, object_id uuid, sequence int,
            data text, previous_attributes text, request_id text, idempotency_key text)
        RETURNING id, created, merchant_id, livemode, type
    )
    INSERT INTO events_outbox (event_id, event_created, merchant_id, livemode, type, written_at)
    SELECT *, clock_timestamp() FROM written;
    RETURN true;
END $$;

-- As in 0009: first what is there already and changes by itself, then everything else by one statement.
CREATE OR REPLACE FUNCTION payments_record_all(commands jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    done boolean;
BEGIN
    IF jsonb_path_exists(commands, '$[*] ? (@.method != null || @.charge.version > 1)') THEN
        PERFORM payments_change_known(commands);
    END IF;
    IF jsonb_path_exists(commands, '$[*].attempt ? (@.kind == "void" && @.state == "succeeded")') THEN
        PERFORM payments_end_waiting(commands);
    END IF;
    done := payments_record_everything(commands);
END $$;

-- A void that went through ends the authorisation that still waited.
CREATE OR REPLACE FUNCTION payments_end_waiting(commands jsonb) RETURNS void
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
    UPDATE payments_attempt a SET version = a.version + 1, state = 'failed', code = 'canceled', next_look_at = NULL,
        ended_at = clock_timestamp()
    FROM jsonb_to_recordset(commands) AS x (attempt jsonb)
    WHERE a.id = (x.attempt ->> 'authorization_id')::uuid AND a.state = 'waiting'
      AND x.attempt ->> 'kind' = 'void' AND x.attempt ->> 'state' = 'succeeded';
END $$;
