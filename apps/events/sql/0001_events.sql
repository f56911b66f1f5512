-- Events: append-only, one partition a month. The default partition takes what has no month of its
-- own, so that a payment never fails for want of a partition.
CREATE TABLE events_event (
    id uuid NOT NULL,
    merchant_id uuid NOT NULL,
    livemode boolean NOT NULL,
    type varchar(100) NOT NULL CHECK (type ~ '^[a-z0-9_.]+$'),
    created timestamptz NOT NULL,
    object_id uuid NOT NULL,
    sequence int NOT NULL,
    data text NOT NULL,
    previous_attributes text,
    request_id varchar(64),
    idempotency_key varchar(255),
    PRIMARY KEY (id, created)
) PARTITION BY RANGE (created);
CREATE INDEX events_event_of_merchant ON events_event (merchant_id, livemode, id);
CREATE INDEX events_event_of_type ON events_event (merchant_id, livemode, type, id);
CREATE TABLE events_event_default PARTITION OF events_event DEFAULT;

CREATE TRIGGER events_event_append_only BEFORE UPDATE OR DELETE ON events_event
    FOR EACH ROW EXECUTE FUNCTION core_forbid_change();
CREATE TRIGGER events_event_no_truncate BEFORE TRUNCATE ON events_event
    FOR EACH STATEMENT EXECUTE FUNCTION core_forbid_change();

-- The outbox is a queue: rows live for milliseconds, so it is vacuumed by count and not by share.
ALTER TABLE events_outbox SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0
);

-- Writes an array of events and their outbox entries; runs in the caller's transaction, so that the
-- events exist if and only if the change they report does. `id` and `created` may be left out.
CREATE OR REPLACE FUNCTION events_write(events jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    WITH given AS (
        SELECT coalesce(e.id, uuidv7()) AS id, e.merchant_id, e.livemode, e.type, coalesce(e.created, core_now()) AS created,
            e.object_id, e.sequence, e.data, e.previous_attributes, e.request_id, e.idempotency_key
        FROM jsonb_to_recordset(events) AS e (
            id uuid, merchant_id uuid, livemode boolean, type text, created timestamptz, object_id uuid, sequence int,
            data text, previous_attributes text, request_id text, idempotency_key text)
    ), written AS (
        INSERT INTO events_event (id, merchant_id, livemode, type, created, object_id, sequence, data, previous_attributes, request_id, idempotency_key)
        SELECT * FROM given
        RETURNING id, created, merchant_id, livemode, type
    )
    INSERT INTO events_outbox (event_id, event_created, merchant_id, livemode, type, written_at)
    SELECT *, clock_timestamp() FROM written;
END $$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'florin_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON events_event FROM florin_app;
    END IF;
END $$;
