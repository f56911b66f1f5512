-- As before (0005), but nothing is kept while samples wait that nobody has looked at for a minute: no worker runs, or
-- more is taken than they can compare, and the table would grow until the disk is full.
-- Outcomes: {"ok": {}}, or {"error": "nobody_compares"} for all of them.
CREATE OR REPLACE FUNCTION cutover_keep(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    -- Ids are in the order of time. What was claimed once is in somebody's hands, and goes even if he dies.
    oldest timestamptz := (SELECT s.read_at FROM cutover_sample s WHERE s.attempts = 0 ORDER BY s.id LIMIT 1);
BEGIN
    IF oldest < clock_timestamp() - interval '1 minute' THEN
        RETURN (SELECT jsonb_agg('{"error": "nobody_compares"}'::jsonb) FROM jsonb_array_elements(commands));
    END IF;
    INSERT INTO cutover_sample (id, endpoint, caller, method, path, query, headers, body, status, content_type, answer, read_at, attempts)
    SELECT c.id, c.endpoint, c.caller, c.method, c.path, c.query, c.headers, decode(c.body, 'base64'), c.status, c.content_type,
        decode(c.answer, 'base64'), c.read_at, 0
    FROM jsonb_to_recordset(commands) AS c (
        id uuid, endpoint text, caller jsonb, method text, path text, query text, headers jsonb, body text, status smallint,
        content_type text, answer text, read_at timestamptz);
    RETURN (SELECT coalesce(jsonb_agg('{"ok": {}}'::jsonb), '[]') FROM jsonb_array_elements(commands));
END $$;
