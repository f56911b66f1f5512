-- Working consequences off, one after another: `finished` reports the last one taken (or is null),
-- and the answer is the next of `ids` under a lease of two minutes, with its event, or null. One round
-- trip and one commit per consequence, so that a worker that dies repeats at most the one in hand.

-- The outcome of consequence `finished ->> 'id'`. It counts only under the attempt it was taken with.
CREATE OR REPLACE FUNCTION events_finish_consequence(finished jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := clock_timestamp();
    fault text := finished ->> 'error';
    pause float8 := (finished ->> 'retry_in_s')::float8;
BEGIN
    UPDATE events_consequence SET lease_until = NULL, last_error = fault,
        state = CASE WHEN fault IS NULL THEN 'done' WHEN pause IS NULL THEN 'parked' ELSE 'pending' END,
        finished_at = CASE WHEN fault IS NULL OR pause IS NULL THEN at END,
        next_attempt_at = at + make_interval(secs => coalesce(pause, 0)),
        poke_at = at + make_interval(secs => coalesce(pause, 0))
    WHERE id = (finished ->> 'id')::uuid AND attempts = (finished ->> 'attempt')::int AND state = 'pending';
END $$;

CREATE OR REPLACE FUNCTION events_take_consequence(ids uuid[]) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := clock_timestamp();
    taken events_consequence;
BEGIN
    UPDATE events_consequence SET state = 'parked', finished_at = at, lease_until = NULL
    WHERE id = ANY (ids) AND state = 'pending' AND attempts >= 5 AND lease_until < at;

    UPDATE events_consequence SET attempts = attempts + 1, lease_until = at + interval '2 minutes', poke_at = at + interval '2 minutes'
    WHERE id = (
        SELECT id FROM events_consequence
        WHERE id = ANY (ids) AND state = 'pending' AND next_attempt_at <= at AND (lease_until IS NULL OR lease_until < at)
        ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING * INTO taken;
    IF taken.id IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN jsonb_build_object('id', taken.id, 'attempt', taken.attempts, 'task', taken.task, 'event',
        (SELECT to_jsonb(e) FROM events_event e WHERE e.id = taken.event_id AND e.created = taken.event_created));
END $$;

CREATE OR REPLACE FUNCTION events_work(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    command jsonb;
    answers jsonb := '[]';
BEGIN
    FOR command IN SELECT jsonb_array_elements(commands) LOOP
        IF jsonb_typeof(command -> 'finished') = 'object' THEN
            PERFORM events_finish_consequence(command -> 'finished');
        END IF;
        answers := answers || jsonb_build_array(jsonb_build_object('ok',
            events_take_consequence(ARRAY(SELECT jsonb_array_elements_text(command -> 'ids')::uuid))));
    END LOOP;
    RETURN answers;
END $$;
