-- Recovery: attempts whose outcome we do not have, claimed row by row under leases of the database's
-- clock, however many workers look.

-- Up to `limit` attempts whose look is due are this caller's for `lease_s`: nobody else looks until then.
-- command: {"limit", "lease_s"}
CREATE OR REPLACE FUNCTION payments_claim_looks(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    outcomes jsonb := '[]';
    c jsonb;
    held jsonb;
BEGIN
    FOR c IN SELECT * FROM jsonb_array_elements(commands) LOOP
        WITH due AS (
            SELECT a.id FROM payments_attempt a WHERE a.next_look_at <= clock_timestamp()
            ORDER BY a.next_look_at LIMIT (c ->> 'limit')::int FOR NO KEY UPDATE SKIP LOCKED
        ), claimed AS (
            UPDATE payments_attempt a SET
                looks = a.looks + 1, next_look_at = clock_timestamp() + make_interval(secs => (c ->> 'lease_s')::int)
            FROM due WHERE a.id = due.id
            RETURNING a.id
        )
        SELECT jsonb_agg(id) INTO held FROM claimed;
        outcomes := outcomes || jsonb_build_object('ok', jsonb_build_object('attempts', coalesce(held, '[]')));
    END LOOP;
    RETURN outcomes;
END $$;

-- Notes a look that decided nothing: when to look next, and since when the gateway denies the
-- reference. "final": it has denied it for `window_s`, and our last byte is as old: nothing happened.
-- command: {"attempt_id", "next_s", "missing": boolean, "window_s"}
CREATE OR REPLACE FUNCTION payments_looked(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    outcomes jsonb := '[]';
    c jsonb;
    final_at timestamptz;
BEGIN
    FOR c IN SELECT * FROM jsonb_array_elements(commands) LOOP
        UPDATE payments_attempt a SET
            missing_since = CASE WHEN (c ->> 'missing')::boolean THEN coalesce(a.missing_since, clock_timestamp()) END,
            next_look_at = clock_timestamp() + make_interval(secs => (c ->> 'next_s')::int)
        WHERE a.id = (c ->> 'attempt_id')::uuid AND a.next_look_at IS NOT NULL
        RETURNING greatest(a.sent_until, a.missing_since) + make_interval(secs => (c ->> 'window_s')::int)
        INTO final_at;
        IF (c ->> 'missing')::boolean AND FOUND THEN
            -- The look that can be final comes as soon as it can be.
            UPDATE payments_attempt a SET next_look_at = least(a.next_look_at, greatest(final_at, clock_timestamp()) + interval '1 second')
            WHERE a.id = (c ->> 'attempt_id')::uuid;
        END IF;
        outcomes := outcomes || jsonb_build_object('ok', jsonb_build_object(
            'final', coalesce((c ->> 'missing')::boolean AND final_at <= clock_timestamp(), false)));
    END LOOP;
    RETURN outcomes;
END $$;

-- The rows of one attempt. command: {"attempt_id"}
CREATE OR REPLACE FUNCTION payments_attempt_held(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT jsonb_agg(jsonb_build_object('ok', payments_held((c ->> 'attempt_id')::uuid)) ORDER BY no)
            FROM jsonb_array_elements(commands) WITH ORDINALITY AS x (c, no));
END $$;
