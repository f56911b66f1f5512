-- One call of a web process, twice a second: {"known": version, "counts": [{endpoint, path, requests,
-- failures}]} → {"version", "rules": [[endpoint, merchant_id, hot_percent]], or null if `known` is up to date}.
-- Counts are added to the five seconds in which they come.
CREATE OR REPLACE FUNCTION cutover_tick(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    command jsonb;
    now_version bigint;
    answers jsonb := '[]';
BEGIN
    -- A lost count costs nothing, so nobody waits for the disk.
    PERFORM set_config('synchronous_commit', 'off', true);
    FOR command IN SELECT value FROM jsonb_array_elements(commands) LOOP
        IF jsonb_array_length(command->'counts') > 0 THEN
            INSERT INTO cutover_outcome AS kept (at, endpoint, path, requests, failures)
            SELECT to_timestamp(floor(extract(epoch FROM clock_timestamp()) / 5) * 5),
                   counted.endpoint, counted.path, counted.requests, counted.failures
            FROM jsonb_to_recordset(command->'counts') AS counted(endpoint text, path text, requests bigint, failures bigint)
            ORDER BY counted.endpoint, counted.path  -- everybody locks in this order
            ON CONFLICT (at, endpoint, path) DO UPDATE
            SET requests = kept.requests + excluded.requests, failures = kept.failures + excluded.failures;
        END IF;
        SELECT version INTO STRICT now_version FROM cutover_version;
        answers := answers || jsonb_build_object('version', now_version, 'rules',
            CASE WHEN now_version IS DISTINCT FROM (command->>'known')::bigint THEN (
                SELECT coalesce(jsonb_agg(jsonb_build_array(endpoint, merchant_id, hot_percent)), '[]')
                FROM cutover_switch WHERE hot_percent IS NOT NULL) END);
    END LOOP;
    RETURN answers;
END $$;
