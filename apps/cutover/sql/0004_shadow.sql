-- Samples live for seconds. Their loss costs nothing, so they are not worth a write-ahead log.
ALTER TABLE cutover_sample SET UNLOGGED;
ALTER TABLE cutover_sample SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0
);

-- What there was to count, added to the counts of its ten seconds.
-- command: {"endpoint", "read_at", "compared", "differing", "moved_on", "skipped", "dropped"}
CREATE OR REPLACE FUNCTION cutover_count(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO cutover_tally AS t (at, endpoint, compared, differing, moved_on, skipped, dropped)
    SELECT date_bin('10 seconds', c.read_at, 'epoch'), c.endpoint, sum(c.compared), sum(c.differing), sum(c.moved_on),
        sum(c.skipped), sum(c.dropped)
    FROM jsonb_to_recordset(commands) AS c (
        endpoint text, read_at timestamptz, compared bigint, differing bigint, moved_on bigint, skipped bigint, dropped bigint)
    GROUP BY 1, 2
    ORDER BY 1, 2
    ON CONFLICT (at, endpoint) DO UPDATE SET
        compared = t.compared + excluded.compared, differing = t.differing + excluded.differing,
        moved_on = t.moved_on + excluded.moved_on, skipped = t.skipped + excluded.skipped, dropped = t.dropped + excluded.dropped;
    RETURN (SELECT coalesce(jsonb_agg('{"ok": {}}'::jsonb), '[]') FROM jsonb_array_elements(commands));
END $$;

-- Counts that are older than two hours become those of their hour, and those older than the days that
-- are kept go, with everything else of that age. One commit; says how many rows went.
CREATE OR REPLACE FUNCTION cutover_forget(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    kept_since timestamptz := clock_timestamp() - make_interval(days => (commands #>> '{0,days}')::int);
    gone bigint;
    more bigint;
BEGIN
    WITH old AS (
        DELETE FROM cutover_tally t
        WHERE t.at < date_bin('1 hour', clock_timestamp() - interval '2 hours', 'epoch') AND t.at <> date_bin('1 hour', t.at, 'epoch')
        RETURNING *
    )
    INSERT INTO cutover_tally AS t (at, endpoint, compared, differing, moved_on, skipped, dropped)
    SELECT date_bin('1 hour', at, 'epoch'), endpoint, sum(compared), sum(differing), sum(moved_on), sum(skipped), sum(dropped)
    FROM old GROUP BY 1, 2
    ON CONFLICT (at, endpoint) DO UPDATE SET
        compared = t.compared + excluded.compared, differing = t.differing + excluded.differing,
        moved_on = t.moved_on + excluded.moved_on, skipped = t.skipped + excluded.skipped, dropped = t.dropped + excluded.dropped;
    DELETE FROM cutover_tally t WHERE t.at < kept_since;
    GET DIAGNOSTICS gone = ROW_COUNT;
    DELETE FROM cutover_difference d WHERE d.compared_at < kept_since;
    GET DIAGNOSTICS more = ROW_COUNT;
    gone := gone + more;
    DELETE FROM cutover_sample s WHERE s.read_at < clock_timestamp() - interval '1 hour';
    GET DIAGNOSTICS more = ROW_COUNT;
    RETURN jsonb_build_array(jsonb_build_object('ok', jsonb_build_object('deleted', gone + more)));
END $$;
