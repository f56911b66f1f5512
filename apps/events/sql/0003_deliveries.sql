-- Sending deliveries. Locks: the endpoint first, then its deliveries; nothing else is held with them.
--
-- An endpoint is `down` after ten failed attempts without a success between them. While it is down,
-- only five deliveries are tried at a time and the pauses between the tries double (30 s … 15 min);
-- the rest wait, so that a dead endpoint keeps no worker from the living.

-- Waiting deliveries of `ids` move to `until_at`, without counting as tried.
CREATE OR REPLACE FUNCTION events_postpone(ids uuid[], until_at timestamptz) RETURNS void
LANGUAGE sql AS $$
    UPDATE events_delivery SET next_attempt_at = greatest(next_attempt_at, until_at), poke_at = greatest(next_attempt_at, until_at)
    WHERE id = ANY (ids) AND state = 'pending' AND lease_until IS NULL;
$$;

-- How many deliveries of this endpoint may be taken now. 20 at a time; 160 in flight for an endpoint
-- that answers, 20 for one that fails, 5 for one that is down.
CREATE OR REPLACE FUNCTION events_room_for(endpoint events_webhook_endpoint, at timestamptz) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    most int := CASE WHEN endpoint.failures = 0 THEN 160 WHEN endpoint.failures < 10 THEN 20 ELSE 5 END;
    busy int;
BEGIN
    SELECT count(*) INTO busy FROM events_delivery WHERE endpoint_id = endpoint.id AND lease_until > at;
    RETURN greatest(0, least(20, most - busy));
END $$;

-- Takes what may be taken of `ids` under a lease of 30 s. What lost its worker five times in a row is
-- parked. Answers the deliveries with their events and the number of `ids` that are still due.
CREATE OR REPLACE FUNCTION events_claim_of(target uuid, ids uuid[]) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    endpoint events_webhook_endpoint;
    at timestamptz;
    room int;
    answer jsonb;
BEGIN
    SELECT * INTO endpoint FROM events_webhook_endpoint WHERE id = target FOR NO KEY UPDATE;
    at := clock_timestamp();
    IF endpoint.id IS NULL OR endpoint.status = 'disabled' OR endpoint.deleted_at IS NOT NULL THEN
        UPDATE events_delivery SET state = 'dropped', finished_at = at, lease_until = NULL
        WHERE id = ANY (ids) AND endpoint_id = target AND state = 'pending' AND (lease_until IS NULL OR lease_until < at);
        RETURN jsonb_build_object('deliveries', '[]'::jsonb, 'left', 0);
    END IF;
    IF endpoint.failures >= 10 AND endpoint.probe_at > at THEN
        PERFORM events_postpone(ids, endpoint.probe_at);
        RETURN jsonb_build_object('deliveries', '[]'::jsonb, 'left', 0);
    END IF;
    room := events_room_for(endpoint, at);
    IF room = 0 THEN
        UPDATE events_delivery SET poke_at = at + interval '1 second' WHERE id = ANY (ids) AND state = 'pending' AND lease_until IS NULL;
        RETURN jsonb_build_object('deliveries', '[]'::jsonb, 'left', 0);
    END IF;
    IF endpoint.failures >= 10 THEN
        UPDATE events_webhook_endpoint SET probe_at = at + interval '30 seconds' WHERE id = target;
    END IF;
    UPDATE events_delivery SET state = 'parked', finished_at = at, lease_until = NULL
    WHERE id = ANY (ids) AND endpoint_id = target AND state = 'pending' AND losses >= 5 AND lease_until < at;

    WITH due AS MATERIALIZED (
        SELECT id FROM events_delivery
        WHERE id = ANY (ids) AND endpoint_id = target AND state = 'pending' AND next_attempt_at <= at AND (lease_until IS NULL OR lease_until < at)
        ORDER BY id FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE events_delivery d SET claims = claims + 1, losses = losses + 1, lease_until = at + interval '30 seconds', poke_at = at + interval '30 seconds'
        FROM (SELECT id FROM due LIMIT room) first WHERE d.id = first.id
        RETURNING d.id, d.event_id, d.event_created, d.claims, d.attempts, d.fanout, d.api_version
    )
    SELECT jsonb_build_object(
        'now', extract(epoch FROM at),
        'url', endpoint.url,
        'secret_versions', CASE WHEN endpoint.previous_secret_until > at
            THEN jsonb_build_array(endpoint.secret_version, endpoint.secret_version - 1) ELSE jsonb_build_array(endpoint.secret_version) END,
        'left', (SELECT count(*) FROM due) - (SELECT count(*) FROM claimed),
        'deliveries', coalesce((SELECT jsonb_agg(jsonb_build_object(
            'id', c.id, 'claim', c.claims, 'attempts', c.attempts, 'fanout', c.fanout, 'api_version', c.api_version, 'event', to_jsonb(e)) ORDER BY c.id)
            FROM claimed c JOIN events_event e ON e.id = c.event_id AND e.created = c.event_created), '[]'))
    INTO answer;
    RETURN answer;
END $$;

CREATE OR REPLACE FUNCTION events_claim_deliveries(commands jsonb) RETURNS jsonb
LANGUAGE sql AS $$
    SELECT jsonb_agg(jsonb_build_object('ok', events_claim_of((c ->> 'endpoint_id')::uuid,
        ARRAY(SELECT jsonb_array_elements_text(c -> 'ids')::uuid))) ORDER BY n)
    FROM jsonb_array_elements(commands) WITH ORDINALITY AS given (c, n);
$$;

-- What the endpoint's health is after a round of attempts, and what it means for those that wait.
CREATE OR REPLACE FUNCTION events_note_health(target uuid, succeeded int, failed int) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    before events_webhook_endpoint;
    at timestamptz := clock_timestamp();
BEGIN
    SELECT * INTO before FROM events_webhook_endpoint WHERE id = target;
    IF succeeded > 0 THEN
        UPDATE events_webhook_endpoint SET failures = 0, failing_since = NULL, probes = 0, probe_at = NULL WHERE id = target AND failures > 0;
        IF before.failures >= 10 THEN
            UPDATE events_delivery SET next_attempt_at = at, poke_at = at
            WHERE endpoint_id = target AND state = 'pending' AND attempts = 0 AND lease_until IS NULL;
        END IF;
        RETURN NULL;
    END IF;
    UPDATE events_webhook_endpoint SET failures = failures + failed, failing_since = coalesce(failing_since, at), probes = probes + 1,
        probe_at = CASE WHEN failures + failed >= 10 THEN at + least(interval '15 minutes', interval '15 seconds' * 2 ^ least(probes, 10)) END
    WHERE id = target;
    RETURN CASE WHEN before.failing_since < at - interval '3 days' THEN 'failing' END;
END $$;

-- Writes the log of a round, moves each delivery on and keeps the endpoint's health. An outcome counts
-- only under the claim it was made with; a success always counts. Answers the reason for which the
-- endpoint is to be disabled, if any.
CREATE OR REPLACE FUNCTION events_record_of(target uuid, outcomes jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    endpoint events_webhook_endpoint;
    at timestamptz;
    succeeded int;
    gone int;
    failed int;
    reason text;
BEGIN
    SELECT * INTO endpoint FROM events_webhook_endpoint WHERE id = target FOR NO KEY UPDATE;
    at := clock_timestamp();
    WITH given AS (
        SELECT * FROM jsonb_to_recordset(outcomes) AS o (id uuid, claim int, result text, retry_in_s float8, started_at float8, duration_ms int,
            status int, error text, response text)
    ), logged AS (
        INSERT INTO events_delivery_attempt (id, delivery_id, number, started_at, duration_ms, status, error, response)
        SELECT uuidv7(), id, claim, to_timestamp(started_at), duration_ms, status, error, response FROM given
        ON CONFLICT (delivery_id, number) DO NOTHING
    ), moved AS (
        UPDATE events_delivery d SET attempts = d.attempts + 1, losses = 0, lease_until = NULL,
            state = CASE WHEN g.result = 'succeeded' THEN 'succeeded' WHEN g.retry_in_s IS NULL THEN 'failed' ELSE 'pending' END,
            next_attempt_at = at + make_interval(secs => coalesce(g.retry_in_s, 0)),
            poke_at = at + make_interval(secs => coalesce(g.retry_in_s, 0)),
            finished_at = CASE WHEN g.result = 'succeeded' OR g.retry_in_s IS NULL THEN at END,
            last_status = g.status, last_error = g.error
        FROM given g
        WHERE d.id = g.id AND d.endpoint_id = target AND d.state = 'pending' AND (d.claims = g.claim OR g.result = 'succeeded')
    )
    SELECT count(*) FILTER (WHERE result = 'succeeded'), count(*) FILTER (WHERE result = 'gone'), count(*) FILTER (WHERE result <> 'succeeded')
    INTO succeeded, gone, failed FROM given;
    reason := events_note_health(target, succeeded, failed);
    RETURN jsonb_build_object('disable', CASE
        WHEN endpoint.status = 'disabled' THEN NULL WHEN gone > 0 THEN 'gone' ELSE reason END);
END $$;

CREATE OR REPLACE FUNCTION events_record_deliveries(commands jsonb) RETURNS jsonb
LANGUAGE sql AS $$
    SELECT jsonb_agg(jsonb_build_object('ok', events_record_of((c ->> 'endpoint_id')::uuid, c -> 'outcomes')) ORDER BY n)
    FROM jsonb_array_elements(commands) WITH ORDINALITY AS given (c, n);
$$;
