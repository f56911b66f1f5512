-- The outbox → work. Takes up to `batch` events that no other relay holds, writes a delivery for each
-- endpoint that wants one of them and a consequence for each task that follows, and removes them from
-- the outbox: all in one statement, so a relay that dies leaves everything or nothing.
--
-- `routes` maps an event type to the names of its tasks. Answers what a worker should be told of now;
-- for whatever does not hear of it, the sweeper pokes 45 s later.
CREATE OR REPLACE FUNCTION events_relay_batch(batch int, routes jsonb, default_api_version text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    started timestamptz := clock_timestamp();
    answer jsonb;
BEGIN
    WITH free AS MATERIALIZED (
        SELECT event_id FROM events_outbox ORDER BY event_id LIMIT batch FOR UPDATE SKIP LOCKED
    ), taken AS (
        DELETE FROM events_outbox o USING free WHERE o.event_id = free.event_id
        RETURNING o.event_id, o.event_created, o.merchant_id, o.livemode, o.type
    ), wanted AS (
        SELECT t.*, e.id AS endpoint_id, coalesce(e.api_version, default_api_version) AS api_version,
            greatest(started, e.probe_at) AS next_attempt_at, count(*) OVER (PARTITION BY t.event_id) AS fanout
        FROM taken t
        JOIN events_webhook_endpoint e ON e.merchant_id = t.merchant_id AND e.livemode = t.livemode
        WHERE e.status = 'enabled' AND e.deleted_at IS NULL AND e.enabled_events && ARRAY[t.type, '*']::varchar[]
    ), delivery AS (
        INSERT INTO events_delivery (id, event_id, event_created, endpoint_id, merchant_id, livemode, state, fanout, api_version,
            attempts, claims, losses, next_attempt_at, poke_at, created)
        SELECT uuidv7(), event_id, event_created, endpoint_id, merchant_id, livemode, 'pending', fanout, api_version,
            0, 0, 0, next_attempt_at, greatest(next_attempt_at, started + interval '45 seconds'), started
        FROM wanted
        ON CONFLICT (event_id, endpoint_id) DO NOTHING
        RETURNING id, endpoint_id, next_attempt_at
    ), consequence AS (
        INSERT INTO events_consequence (id, event_id, event_created, task, state, attempts, next_attempt_at, poke_at, created)
        SELECT uuidv7(), t.event_id, t.event_created, task, 'pending', 0, started, started + interval '45 seconds', started
        FROM taken t CROSS JOIN LATERAL jsonb_array_elements_text(routes -> t.type) AS task
        ON CONFLICT (event_id, task) DO NOTHING
        RETURNING id, task
    )
    SELECT jsonb_build_object(
        'events', (SELECT count(*) FROM taken),
        'deliveries', (SELECT coalesce(jsonb_object_agg(endpoint_id, ids), '{}') FROM (
            SELECT endpoint_id, jsonb_agg(id) AS ids FROM delivery WHERE next_attempt_at <= started GROUP BY endpoint_id) d),
        'consequences', (SELECT coalesce(jsonb_object_agg(task, ids), '{}') FROM (
            SELECT task, jsonb_agg(id) AS ids FROM consequence GROUP BY task) c))
    INTO answer;
    RETURN answer;
END $$;

CREATE OR REPLACE FUNCTION events_relay(commands jsonb) RETURNS jsonb
LANGUAGE sql AS $$
    SELECT jsonb_agg(jsonb_build_object('ok', events_relay_batch((c ->> 'batch')::int, c -> 'routes', c ->> 'api_version')) ORDER BY n)
    FROM jsonb_array_elements(commands) WITH ORDINALITY AS given (c, n);
$$;

-- Work that is due and of which no worker was told in the last 45 s: new after a lost message, due
-- again after a failure, or held by a worker that died. An endpoint that is down is left until its
-- next probe.
CREATE OR REPLACE FUNCTION events_sweep_batch(batch int) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    started timestamptz := clock_timestamp();
    answer jsonb;
BEGIN
    WITH due AS MATERIALIZED (
        SELECT id FROM events_delivery WHERE state = 'pending' AND poke_at <= started
        ORDER BY poke_at LIMIT batch FOR UPDATE SKIP LOCKED
    ), delivery AS (
        UPDATE events_delivery d SET poke_at = greatest(started + interval '45 seconds', e.probe_at)
        FROM due, events_webhook_endpoint e WHERE d.id = due.id AND e.id = d.endpoint_id
        RETURNING d.id, d.endpoint_id, coalesce(e.probe_at <= started, true) AS now
    ), late AS MATERIALIZED (
        SELECT id FROM events_consequence WHERE state = 'pending' AND poke_at <= started
        ORDER BY poke_at LIMIT batch FOR UPDATE SKIP LOCKED
    ), consequence AS (
        UPDATE events_consequence c SET poke_at = started + interval '45 seconds' FROM late WHERE c.id = late.id
        RETURNING c.id, c.task
    )
    SELECT jsonb_build_object(
        'found', (SELECT count(*) FROM due) + (SELECT count(*) FROM late),
        'deliveries', (SELECT coalesce(jsonb_object_agg(endpoint_id, ids), '{}') FROM (
            SELECT endpoint_id, jsonb_agg(id) AS ids FROM delivery WHERE now GROUP BY endpoint_id) d),
        'consequences', (SELECT coalesce(jsonb_object_agg(task, ids), '{}') FROM (
            SELECT task, jsonb_agg(id) AS ids FROM consequence GROUP BY task) c))
    INTO answer;
    RETURN answer;
END $$;

CREATE OR REPLACE FUNCTION events_sweep(commands jsonb) RETURNS jsonb
LANGUAGE sql AS $$
    SELECT jsonb_agg(jsonb_build_object('ok', events_sweep_batch((c ->> 'batch')::int)) ORDER BY n)
    FROM jsonb_array_elements(commands) WITH ORDINALITY AS given (c, n);
$$;
