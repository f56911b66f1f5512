ALTER TABLE idempotency_record
    ADD CONSTRAINT idempotency_record_key CHECK (char_length(key) BETWEEN 1 AND 255),
    ADD CONSTRAINT idempotency_record_fingerprint CHECK (octet_length(fingerprint) = 32);

-- Idempotency keys, for use inside other write functions: one claim per command, in the same
-- transaction as the command's effect. The primary key is the judge of who was first.
--
-- k = {"merchant_id", "livemode", "key", "fingerprint" (hex), "object_id"}; without a key every
-- request is new. Outcomes of a claim:
--   {"outcome": "new"}                                   do the work, then idempotency_finish
--   {"outcome": "replay", "status": 200, "body": "…"}    it was done: answer this
--   {"outcome": "mismatch"}                              the key belongs to another request
--   {"outcome": "running"}                               someone holds the lease; ask again later
--   {"outcome": "resume", "object_id": "…"}              the lease ran out: its owner died between
--                                                        begin and record; go on from what it committed
-- The lease goes by the database's clock. Writers that claim several keys in one statement do so in
-- the order of (merchant, livemode, key), or two of them could wait for each other.

CREATE OR REPLACE FUNCTION idempotency_claim(k jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    record idempotency_record;
BEGIN
    IF k->>'key' IS NULL THEN
        RETURN '{"outcome": "new"}';
    END IF;
    LOOP
        INSERT INTO idempotency_record AS r (merchant_id, livemode, key, fingerprint, state, object_id, locked_until, attempt_no, created)
        VALUES (
            (k->>'merchant_id')::uuid, (k->>'livemode')::boolean, k->>'key', decode(k->>'fingerprint', 'hex'),
            'running', (k->>'object_id')::uuid, clock_timestamp() + interval '90 seconds', 1, clock_timestamp()
        )
        ON CONFLICT (merchant_id, livemode, key) DO NOTHING;
        IF FOUND THEN
            RETURN '{"outcome": "new"}';
        END IF;

        SELECT * INTO record FROM idempotency_record AS r
        WHERE r.merchant_id = (k->>'merchant_id')::uuid AND r.livemode = (k->>'livemode')::boolean AND r.key = k->>'key';
        CONTINUE WHEN NOT FOUND;  -- released or purged in between

        IF record.fingerprint <> decode(k->>'fingerprint', 'hex') THEN
            RETURN '{"outcome": "mismatch"}';
        ELSIF record.state = 'done' THEN
            RETURN jsonb_build_object('outcome', 'replay', 'status', record.status, 'body', record.body);
        ELSIF record.locked_until > clock_timestamp() THEN
            RETURN '{"outcome": "running"}';
        END IF;

        UPDATE idempotency_record AS r SET
            locked_until = clock_timestamp() + interval '90 seconds', attempt_no = r.attempt_no + 1
        WHERE r.merchant_id = record.merchant_id AND r.livemode = record.livemode AND r.key = record.key
          AND r.state = 'running' AND r.attempt_no = record.attempt_no;
        IF FOUND THEN
            RETURN jsonb_build_object('outcome', 'resume', 'object_id', record.object_id);
        END IF;
    END LOOP;
END $$;

-- Stores the answer of a claimed request. A record that is done keeps its first answer.
CREATE OR REPLACE FUNCTION idempotency_finish(k jsonb, answer_status int, answer_body text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF k->>'key' IS NULL THEN
        RETURN;
    END IF;
    UPDATE idempotency_record AS r SET
        state = 'done', status = answer_status, body = answer_body, locked_until = NULL
    WHERE r.merchant_id = (k->>'merchant_id')::uuid AND r.livemode = (k->>'livemode')::boolean AND r.key = k->>'key'
      AND r.fingerprint = decode(k->>'fingerprint', 'hex') AND r.state = 'running';
END $$;

-- Gives a claimed key back: nothing happened, so it may be used again.
CREATE OR REPLACE FUNCTION idempotency_release(k jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM idempotency_record AS r
    WHERE r.merchant_id = (k->>'merchant_id')::uuid AND r.livemode = (k->>'livemode')::boolean AND r.key = k->>'key'
      AND r.fingerprint = decode(k->>'fingerprint', 'hex') AND r.state = 'running';
END $$;

-- The same three as write functions of their own (an array of claims in, one outcome each out), for
-- Python services whose effect is in the surrounding transaction.
CREATE OR REPLACE FUNCTION idempotency_claim_each(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    outcomes jsonb[] := array_fill(NULL::jsonb, ARRAY[jsonb_array_length(commands)]);
    item record;
BEGIN
    FOR item IN
        SELECT k, ordinality::int AS at FROM jsonb_array_elements(commands) WITH ORDINALITY AS c (k, ordinality)
        ORDER BY k->>'merchant_id', k->>'livemode', k->>'key', ordinality
    LOOP
        outcomes[item.at] := idempotency_claim(item.k);
    END LOOP;
    RETURN to_jsonb(outcomes);
END $$;

-- commands: [{"k": …, "status": 200, "body": "…"}]
CREATE OR REPLACE FUNCTION idempotency_finish_each(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    command jsonb;
BEGIN
    FOR command IN SELECT * FROM jsonb_array_elements(commands) LOOP
        PERFORM idempotency_finish(command->'k', (command->>'status')::int, command->>'body');
    END LOOP;
    RETURN (SELECT coalesce(jsonb_agg('{"ok": {}}'::jsonb), '[]') FROM jsonb_array_elements(commands));
END $$;
