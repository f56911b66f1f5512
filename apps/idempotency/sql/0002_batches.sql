-- The keys of many commands, claimed and finished by one statement for all of them.

CREATE TYPE idempotency_identity AS (merchant_id uuid, livemode boolean, key text, fingerprint text, object_id uuid);
CREATE TYPE idempotency_answer AS (status int, body text);

-- Why the commands whose key was there before cannot go on, by their number from 0, in the words of
-- idempotency_claim; two of one batch under one key: the later comes again ("running"), and finds what
-- the earlier has come to. A claim whose lease ran out is taken over here ("resume").
CREATE OR REPLACE FUNCTION idempotency_known(commands jsonb, answered boolean) RETURNS jsonb
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    known jsonb := '{}';
    claim jsonb;
    item record;
BEGIN
    FOR item IN
        SELECT x.key, x.answer, x.no - 1 AS no, r.object_id IS NOT DISTINCT FROM (x.key).object_id AS is_ours,
               lag((x.key).key) OVER same IS NOT NULL AS is_second
        FROM ROWS FROM (jsonb_to_recordset(commands) AS (key idempotency_identity, answer idempotency_answer))
            WITH ORDINALITY AS x (key, answer, no)
        LEFT JOIN idempotency_record r
            ON r.merchant_id = (x.key).merchant_id AND r.livemode = (x.key).livemode AND r.key = (x.key).key
        WHERE (x.key).key IS NOT NULL
        WINDOW same AS (PARTITION BY (x.key).merchant_id, (x.key).livemode, (x.key).key ORDER BY x.no)
        ORDER BY (x.key).merchant_id, (x.key).livemode, (x.key).key, x.no
    LOOP
        IF item.is_second THEN
            known := known || jsonb_build_object(item.no, '{"claim": {"outcome": "running"}}'::jsonb);
        ELSIF NOT item.is_ours THEN
            claim := idempotency_claim(to_jsonb(item.key));
            IF claim ->> 'outcome' <> 'new' THEN
                known := known || jsonb_build_object(item.no, jsonb_build_object('claim', claim));
            ELSIF answered THEN
                -- Given back by its owner in between, it has just become ours like the others.
                PERFORM idempotency_finish(to_jsonb(item.key), (item.answer).status, (item.answer).body);
            END IF;
        END IF;
    END LOOP;
    RETURN known;
END $$;

-- Claims the key of every command that has one. `answered`: with the answer that it will have once this
-- transaction commits, so that it needs no finish; who cannot go on after all gives it back
-- (idempotency_give_back). Returns '{}' where all keys were new, else idempotency_known.
-- commands: [{"key": idempotency_identity with an object_id of its own, "answer": idempotency_answer}]
CREATE OR REPLACE FUNCTION idempotency_claims(commands jsonb, answered boolean) RETURNS jsonb
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    had int;
    claimed int;
BEGIN
    INSERT INTO idempotency_record
        (merchant_id, livemode, key, fingerprint, state, object_id, status, body, locked_until, attempt_no, created)
    SELECT (x.key).merchant_id, (x.key).livemode, (x.key).key, decode((x.key).fingerprint, 'hex'),
           CASE WHEN answered THEN 'done' ELSE 'running' END, (x.key).object_id, (x.answer).status, (x.answer).body,
           CASE WHEN NOT answered THEN clock_timestamp() + interval '90 seconds' END, 1, clock_timestamp()
    FROM jsonb_to_recordset(commands) AS x (key idempotency_identity, answer idempotency_answer)
    WHERE (x.key).key IS NOT NULL
    ORDER BY (x.key).merchant_id, (x.key).livemode, (x.key).key
    ON CONFLICT (merchant_id, livemode, key) DO NOTHING;
    GET DIAGNOSTICS claimed = ROW_COUNT;
    had := jsonb_array_length(jsonb_path_query_array(commands, '$[*].key.key ? (@ != null)'));
    IF claimed = had THEN
        RETURN '{}';
    END IF;
    RETURN idempotency_known(commands, answered);
END $$;

-- The keys of commands that came to nothing may be used again.
CREATE OR REPLACE FUNCTION idempotency_give_back(command jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    k jsonb := command -> 'key';
BEGIN
    DELETE FROM idempotency_record AS r
    WHERE r.merchant_id = (k ->> 'merchant_id')::uuid AND r.livemode = (k ->> 'livemode')::boolean AND r.key = k ->> 'key'
      AND r.object_id = (k ->> 'object_id')::uuid AND r.fingerprint = decode(k ->> 'fingerprint', 'hex');
END $$;

-- Stores the answers of claimed commands. A record that is done keeps its first answer.
CREATE OR REPLACE FUNCTION idempotency_finishes(commands jsonb) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
    UPDATE idempotency_record AS r SET
        state = 'done', status = (x.answer).status, body = (x.answer).body, locked_until = NULL
    FROM jsonb_to_recordset(commands) AS x (key idempotency_identity, answer idempotency_answer)
    WHERE r.merchant_id = (x.key).merchant_id AND r.livemode = (x.key).livemode AND r.key = (x.key).key
      AND r.fingerprint = decode((x.key).fingerprint, 'hex') AND r.state = 'running' AND (x.answer).status IS NOT NULL;
END $$;
