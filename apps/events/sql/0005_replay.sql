-- Sending an event once more. Makes its deliveries due now with their schedule from the start, and
-- writes one for each endpoint that wants it and never had it; with `target`, for that endpoint alone,
-- whatever it subscribed to. Disabled and deleted endpoints get nothing. Answers the endpoints.
--
-- Waits for nobody: a delivery that a worker holds, by lease or by lock, is left to that worker.
CREATE OR REPLACE FUNCTION events_replay_one(event uuid, target uuid, default_api_version text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := clock_timestamp();
    answer jsonb;
BEGIN
    WITH listening AS MATERIALIZED (
        SELECT v.id AS event_id, v.created AS event_created, v.merchant_id, v.livemode, e.id AS endpoint_id,
            coalesce(e.api_version, default_api_version) AS api_version,
            e.id = target OR (target IS NULL AND e.enabled_events && ARRAY[v.type, '*']::varchar[]) AS wanted
        FROM events_event v
        JOIN events_webhook_endpoint e ON e.merchant_id = v.merchant_id AND e.livemode = v.livemode
        WHERE v.id = event AND e.status = 'enabled' AND e.deleted_at IS NULL AND (target IS NULL OR e.id = target)
    ), had AS MATERIALIZED (
        SELECT d.id FROM events_delivery d JOIN listening l USING (event_id, endpoint_id)
        WHERE d.lease_until IS NULL OR d.lease_until < at
        ORDER BY d.id FOR UPDATE OF d SKIP LOCKED
    ), again AS (
        -- A lease that ran out is fenced off: its late outcome no longer counts.
        UPDATE events_delivery d SET state = 'pending', attempts = 0, losses = 0, next_attempt_at = at, poke_at = at,
            finished_at = NULL, lease_until = NULL, claims = d.claims + (d.lease_until IS NOT NULL)::int
        FROM had WHERE d.id = had.id
        RETURNING d.endpoint_id
    ), new AS (
        INSERT INTO events_delivery (id, event_id, event_created, endpoint_id, merchant_id, livemode, state, fanout, api_version,
            attempts, claims, losses, next_attempt_at, poke_at, created)
        SELECT uuidv7(), event_id, event_created, endpoint_id, merchant_id, livemode, 'pending', count(*) OVER (), api_version,
            0, 0, 0, at, at, at
        FROM listening WHERE wanted
        ON CONFLICT (event_id, endpoint_id) DO NOTHING
        RETURNING endpoint_id
    )
    SELECT coalesce(jsonb_agg(endpoint_id ORDER BY endpoint_id), '[]')
    INTO answer FROM (SELECT endpoint_id FROM again UNION SELECT endpoint_id FROM new) due;
    RETURN jsonb_build_object('endpoints', answer);
END $$;

CREATE OR REPLACE FUNCTION events_replay(commands jsonb) RETURNS jsonb
LANGUAGE sql AS $$
    SELECT jsonb_agg(jsonb_build_object('ok', events_replay_one((c ->> 'event_id')::uuid, (c ->> 'endpoint_id')::uuid,
        c ->> 'api_version')) ORDER BY n)
    FROM jsonb_array_elements(commands) WITH ORDINALITY AS given (c, n);
$$;
