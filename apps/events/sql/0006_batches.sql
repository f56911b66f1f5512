-- The events of many commands and their outbox entries, written by one statement. An event without
-- `data` shows what the command answers: the same text is not sent twice.
-- commands: [{"events": [{"merchant_id", "livemode", "type", "created", "object_id", "sequence", "data" | null, …}],
--             "answer": {"body"} | null}]
CREATE OR REPLACE FUNCTION events_tell(commands jsonb) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    WITH written AS (
        INSERT INTO events_event (id, merchant_id, livemode, type, created, object_id, sequence, data, previous_attributes, request_id, idempotency_key)
        SELECT coalesce(e.id, uuidv7()), e.merchant_id, e.livemode, e.type, coalesce(e.created, core_now()), e.object_id, e.sequence,
               coalesce(e.data, x.answer ->> 'body'), e.previous_attributes, e.request_id, e.idempotency_key
        FROM jsonb_to_recordset(commands) AS x (events jsonb, answer jsonb)
        CROSS JOIN LATERAL jsonb_to_recordset(x.events) AS e (
            id uuid, merchant_id uuid, livemode boolean, type text, created timestamptz, object_id uuid, sequence int,
            data text, previous_attributes text, request_id text, idempotency_key text)
        RETURNING id, created, merchant_id, livemode, type
    )
    INSERT INTO events_outbox (event_id, event_created, merchant_id, livemode, type, written_at)
    SELECT *, clock_timestamp() FROM written;
END $$;
