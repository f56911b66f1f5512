-- The short way of a batch: keys, rows, events and answers by one statement, the ledger last, and only
-- then a look whether everything went as it nearly always does. Where anything speaks against it,
-- nothing of it stays, and the batch goes the long way (0008, 0009), which judges every command.
--
-- What a statement costs is mostly to make it ready, so the parts are kept light: a row comes out of the
-- JSON once, as a composite value, and each table takes its columns from it; a scan of a function for
-- each table and command was a fifth of the whole.
--
-- Locks: keys, intents (by id), attempts, then the ledger's, which are had for the shortest time so.
-- The parts that hand something on run when the last part asks for it; the others run after it, in the
-- order in which they stand.

CREATE TYPE payments_attempt_begun AS (
    id uuid, created timestamptz, charge_id uuid, kind text, gateway text, off_session boolean, request jsonb);

-- ---------------------------------------------------------------------------------------------------
-- Create
-- ---------------------------------------------------------------------------------------------------

-- Writes new intents. `claiming`: their keys too, with the answers; then true where all keys were new.
CREATE OR REPLACE FUNCTION payments_create_at_once(commands jsonb, claiming boolean) RETURNS boolean
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    fine boolean;
BEGIN
    WITH x AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(commands) AS x (
            key idempotency_identity, answer idempotency_answer, intent payments_intent, events events_event[])

    -- idempotency_record
    ), claims AS (
        INSERT INTO idempotency_record
            (merchant_id, livemode, key, fingerprint, state, object_id, status, body, attempt_no, created)
        SELECT (x.key).merchant_id, (x.key).livemode, (x.key).key, decode((x.key).fingerprint, 'hex'), 'done', (x.key).object_id,
               (x.answer).status, (x.answer).body, 1, clock_timestamp()
        FROM x WHERE claiming AND (x.key).key IS NOT NULL
        ORDER BY (x.key).merchant_id, (x.key).livemode, (x.key).key
        ON CONFLICT (merchant_id, livemode, key) DO NOTHING
        RETURNING 1

    -- payments_intent
    ), intents AS (
        INSERT INTO payments_intent
            (id, merchant_id, livemode, version, created, status, amount, amount_capturable, amount_received, currency,
             capture_method, confirmation_method, customer_id, payment_method_id, client_secret, description,
             statement_descriptor, statement_descriptor_suffix, receipt_email, metadata, setup_future_usage, shipping,
             automatic_payment_methods, payment_method_options, transfer_group, return_url)
        SELECT (n).id, (n).merchant_id, (n).livemode, (n).version, (n).created, (n).status, (n).amount, (n).amount_capturable,
               (n).amount_received, (n).currency, (n).capture_method, (n).confirmation_method, (n).customer_id, (n).payment_method_id,
               (n).client_secret, (n).description, (n).statement_descriptor, (n).statement_descriptor_suffix, (n).receipt_email,
               (n).metadata, (n).setup_future_usage, (n).shipping, (n).automatic_payment_methods, (n).payment_method_options,
               (n).transfer_group, (n).return_url
        FROM (SELECT x.intent AS n FROM x) x

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
    SELECT (SELECT count(*) FROM claims) = (SELECT count((x.key).key) FROM x) INTO fine;
    RETURN fine;
END $$;

CREATE OR REPLACE FUNCTION payments_create(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
    -- What refers to customers and methods is looked at one by one.
    IF NOT jsonb_path_exists(commands, '$[*] ? (@.intent.customer_id != null || @.intent.payment_method_id != null || @.method.id != null)') THEN
        BEGIN
            IF payments_create_at_once(commands, claiming => true) THEN
                RETURN payments_outcomes(jsonb_array_length(commands), '{}');
            END IF;
            RAISE SQLSTATE 'FL001';
        EXCEPTION WHEN SQLSTATE 'FL001' OR integrity_constraint_violation OR data_exception THEN
            -- Nothing of it stays.
        END;
    END IF;
    RETURN payments_create_the_long_way(commands);
END $$;

-- As 0011 had it: keys first, then what is wrong with each command.
CREATE OR REPLACE FUNCTION payments_create_the_long_way(commands jsonb) RETURNS jsonb
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
        PERFORM payments_insert_methods(commands);
        done := payments_create_at_once(commands, claiming => false);
    END IF;
    RETURN payments_outcomes(many, refused);
END $$;

-- ---------------------------------------------------------------------------------------------------
-- Transfer
-- ---------------------------------------------------------------------------------------------------

-- Writes transfers. `claiming`: their keys too, with the answers; then true where all keys were new.
CREATE OR REPLACE FUNCTION payments_transfer_at_once(commands jsonb, claiming boolean) RETURNS boolean
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    fine boolean;
BEGIN
    WITH x AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(commands) AS x (
            key idempotency_identity, answer idempotency_answer, transfer payments_transfer,
            transactions payments_balance_transaction[], events events_event[])

    -- idempotency_record
    ), claims AS (
        INSERT INTO idempotency_record
            (merchant_id, livemode, key, fingerprint, state, object_id, status, body, attempt_no, created)
        SELECT (x.key).merchant_id, (x.key).livemode, (x.key).key, decode((x.key).fingerprint, 'hex'), 'done', (x.key).object_id,
               (x.answer).status, (x.answer).body, 1, clock_timestamp()
        FROM x WHERE claiming AND (x.key).key IS NOT NULL
        ORDER BY (x.key).merchant_id, (x.key).livemode, (x.key).key
        ON CONFLICT (merchant_id, livemode, key) DO NOTHING
        RETURNING 1

    -- payments_balance_transaction
    ), sides AS (
        INSERT INTO payments_balance_transaction
            (id, merchant_id, livemode, version, created, type, amount, fee, net, currency, available_on, released, source, entry_id, description)
        SELECT (n).id, (n).merchant_id, (n).livemode, (n).version, (n).created, (n).type, (n).amount, (n).fee, (n).net, (n).currency,
               (n).available_on, (n).released, (n).source, (n).entry_id, (n).description
        FROM (SELECT unnest(x.transactions) AS n FROM x) x

    -- payments_transfer
    ), transfers AS (
        INSERT INTO payments_transfer
            (id, merchant_id, livemode, version, created, destination_id, balance_transaction_id, amount, currency, description, metadata,
             transfer_group)
        SELECT (n).id, (n).merchant_id, (n).livemode, (n).version, (n).created, (n).destination_id, (n).balance_transaction_id, (n).amount,
               (n).currency, (n).description, (n).metadata, (n).transfer_group
        FROM (SELECT x.transfer AS n FROM x) x

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
    SELECT (SELECT count(*) FROM claims) = (SELECT count((x.key).key) FROM x) INTO fine;
    RETURN fine;
END $$;

CREATE OR REPLACE FUNCTION payments_transfer(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        IF payments_transfer_at_once(commands, claiming => true) AND payments_book(commands, '{}') = '{}' THEN
            RETURN payments_outcomes(jsonb_array_length(commands), '{}');
        END IF;
        RAISE SQLSTATE 'FL001';
    EXCEPTION WHEN SQLSTATE 'FL001' OR integrity_constraint_violation OR data_exception THEN
        -- Nothing of it stays.
    END;
    RETURN payments_transfer_the_long_way(commands);
END $$;

-- As 0011 had it: keys, what the ledger refuses, then the rows of the others.
CREATE OR REPLACE FUNCTION payments_transfer_the_long_way(commands jsonb) RETURNS jsonb
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
        done := payments_transfer_at_once(commands, claiming => false);
    END IF;
    RETURN payments_outcomes(many, refused);
END $$;

-- ---------------------------------------------------------------------------------------------------
-- Begin
-- ---------------------------------------------------------------------------------------------------

-- Writes new intents that are confirmed with a card given anew, and their attempts. `claiming`: their
-- keys too; then true where all keys were new.
CREATE OR REPLACE FUNCTION payments_begin_at_once(commands jsonb, claiming boolean) RETURNS boolean
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    fine boolean;
BEGIN
    WITH x AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(commands) AS x (
            key idempotency_identity, method payments_payment_method, intent payments_intent, attempt payments_attempt_begun,
            first_look_s int, last_byte_s int, events events_event[])

    -- idempotency_record
    ), claims AS (
        INSERT INTO idempotency_record
            (merchant_id, livemode, key, fingerprint, state, object_id, locked_until, attempt_no, created)
        SELECT (x.key).merchant_id, (x.key).livemode, (x.key).key, decode((x.key).fingerprint, 'hex'), 'running', (x.key).object_id,
               clock_timestamp() + interval '90 seconds', 1, clock_timestamp()
        FROM x WHERE claiming AND (x.key).key IS NOT NULL
        ORDER BY (x.key).merchant_id, (x.key).livemode, (x.key).key
        ON CONFLICT (merchant_id, livemode, key) DO NOTHING
        RETURNING 1

    -- payments_payment_method
    ), methods AS (
        INSERT INTO payments_payment_method
            (id, merchant_id, livemode, version, created, customer_id, gateway, token, card, billing_details, metadata)
        SELECT (n).id, (n).merchant_id, (n).livemode, (n).version, (n).created, (n).customer_id, (n).gateway, (n).token, (n).card,
               (n).billing_details, (n).metadata
        FROM (SELECT x.method AS n FROM x) x

    -- payments_intent
    ), intents AS (
        INSERT INTO payments_intent
            (id, merchant_id, livemode, version, created, status, amount, amount_capturable, amount_received, currency,
             capture_method, confirmation_method, customer_id, payment_method_id, client_secret, description,
             statement_descriptor, statement_descriptor_suffix, receipt_email, metadata, setup_future_usage, shipping,
             automatic_payment_methods, payment_method_options, transfer_group, return_url)
        SELECT (n).id, (n).merchant_id, (n).livemode, (n).version, (n).created, (n).status, (n).amount, (n).amount_capturable,
               (n).amount_received, (n).currency, (n).capture_method, (n).confirmation_method, (n).customer_id, (n).payment_method_id,
               (n).client_secret, (n).description, (n).statement_descriptor, (n).statement_descriptor_suffix, (n).receipt_email,
               (n).metadata, (n).setup_future_usage, (n).shipping, (n).automatic_payment_methods, (n).payment_method_options,
               (n).transfer_group, (n).return_url
        FROM (SELECT x.intent AS n FROM x) x

    -- payments_attempt
    ), attempts AS (
        INSERT INTO payments_attempt
            (id, merchant_id, livemode, version, created, intent_id, charge_id, payment_method_id, kind, state, gateway, amount, currency,
             capture, off_session, request, looks, next_look_at, sent_until, started_at)
        SELECT (a).id, (i).merchant_id, (i).livemode, 1, (a).created, (i).id, (a).charge_id, (i).payment_method_id, (a).kind, 'started',
               (a).gateway, (i).amount, (i).currency, (i).capture_method <> 'manual', coalesce((a).off_session, false), (a).request, 0,
               clock_timestamp() + make_interval(secs => first_look_s), clock_timestamp() + make_interval(secs => last_byte_s),
               clock_timestamp()
        FROM (SELECT x.attempt AS a, x.intent AS i, x.first_look_s, x.last_byte_s FROM x) x

    -- events_event and events_outbox
    ), told AS (
        INSERT INTO events_event
            (id, merchant_id, livemode, type, created, object_id, sequence, data, previous_attributes, request_id, idempotency_key)
        SELECT coalesce((e).id, uuidv7()), (e).merchant_id, (e).livemode, (e).type, (e).created, (e).object_id, (e).sequence,
               (e).data, (e).previous_attributes, (e).request_id, (e).idempotency_key
        FROM (SELECT unnest(x.events) AS e FROM x) x
        RETURNING id, created, merchant_id, livemode, type
    ), outbox AS (
        INSERT INTO events_outbox (event_id, event_created, merchant_id, livemode, type, written_at)
        SELECT t.id, t.created, t.merchant_id, t.livemode, t.type, clock_timestamp() FROM told t
    )
    SELECT (SELECT count(*) FROM claims) = (SELECT count((x.key).key) FROM x) INTO fine;
    RETURN fine;
END $$;

CREATE OR REPLACE FUNCTION payments_begin(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
    -- What is there already is looked at one by one.
    IF NOT jsonb_path_exists(commands, '$[*] ? (@.intent == null || @.method == null || @.with_customer == true || @.intent.customer_id != null)') THEN
        BEGIN
            IF payments_begin_at_once(commands, claiming => true) THEN
                RETURN payments_outcomes(jsonb_array_length(commands), '{}');
            END IF;
            RAISE SQLSTATE 'FL001';
        EXCEPTION WHEN SQLSTATE 'FL001' OR integrity_constraint_violation OR data_exception THEN
            -- Nothing of it stays.
        END;
    END IF;
    RETURN payments_begin_the_long_way(commands);
END $$;

-- As 0011 had it: keys first, then those that look at known rows, in the order of their intents.
CREATE OR REPLACE FUNCTION payments_begin_the_long_way(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    many int := jsonb_array_length(commands);
    settled jsonb := idempotency_claims(commands, answered => false);
    fresh jsonb := payments_without(commands, settled);
    others jsonb;
    done boolean;
BEGIN
    IF jsonb_path_exists(fresh, '$[*] ? (@.intent == null || @.method == null || @.with_customer == true || @.intent.customer_id != null)') THEN
        others := payments_begin_others(fresh, settled);
        fresh := payments_left(fresh, settled, others);
        settled := settled || others;
    END IF;
    IF fresh <> '[]' THEN
        done := payments_begin_at_once(fresh, claiming => false);
    END IF;
    RETURN payments_outcomes(many, settled);
END $$;
