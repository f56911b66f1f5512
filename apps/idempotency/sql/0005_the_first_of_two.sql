-- Of two commands of one batch under one key the earlier has it: idempotency_known says so, and a sort by the key alone may turn
-- them round. Then both were told that the other was at it, or were shown an answer to what nobody had done.
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
    FROM ROWS FROM (jsonb_to_recordset(commands) AS (key idempotency_identity, answer idempotency_answer))
        WITH ORDINALITY AS x (key, answer, no)
    WHERE (x.key).key IS NOT NULL
    ORDER BY (x.key).merchant_id, (x.key).livemode, (x.key).key, x.no
    ON CONFLICT (merchant_id, livemode, key) DO NOTHING;
    GET DIAGNOSTICS claimed = ROW_COUNT;
    had := jsonb_array_length(jsonb_path_query_array(commands, '$[*].key.key ? (@ != null)'));
    IF claimed = had THEN
        RETURN '{}';
    END IF;
    RETURN idempotency_known(commands, answered);
END $$;
