-- Writes samples, as many as a process has taken since the last time.
-- command: {"id", "endpoint", "caller", "method", "path", "query", "headers", "body" (base64), "status", "content_type",
--   "answer" (base64), "read_at"}
CREATE OR REPLACE FUNCTION cutover_keep(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO cutover_sample (id, endpoint, caller, method, path, query, headers, body, status, content_type, answer, read_at, attempts)
    SELECT c.id, c.endpoint, c.caller, c.method, c.path, c.query, c.headers, decode(c.body, 'base64'), c.status, c.content_type,
        decode(c.answer, 'base64'), c.read_at, 0
    FROM jsonb_to_recordset(commands) AS c (
        id uuid, endpoint text, caller jsonb, method text, path text, query text, headers jsonb, body text, status smallint,
        content_type text, answer text, read_at timestamptz);
    RETURN (SELECT coalesce(jsonb_agg('{"ok": {}}'::jsonb), '[]') FROM jsonb_array_elements(commands));
END $$;
