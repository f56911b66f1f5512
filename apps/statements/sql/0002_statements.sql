-- What no writer can break, and the claims and numbers that several workers ask for at once.

-- A statement is written once. Afterwards it may be completed (its files), be marked as mailed, and
-- be superseded, each once; its figures and number never change.
CREATE OR REPLACE FUNCTION statements_write_once() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    otherwise statements_statement := NEW;
BEGIN
    otherwise.status := OLD.status;
    otherwise.pdf_sha256 := OLD.pdf_sha256;
    otherwise.csv_sha256 := OLD.csv_sha256;
    otherwise.mailed_at := OLD.mailed_at;
    otherwise.superseded_by := OLD.superseded_by;
    IF otherwise IS DISTINCT FROM OLD
       OR (OLD.pdf_sha256 <> '' AND NEW.pdf_sha256 <> OLD.pdf_sha256)
       OR (OLD.csv_sha256 <> '' AND NEW.csv_sha256 <> OLD.csv_sha256)
       OR (OLD.mailed_at IS NOT NULL AND NEW.mailed_at IS DISTINCT FROM OLD.mailed_at)
       OR (OLD.status, NEW.status) NOT IN (('numbered', 'numbered'), ('numbered', 'issued'), ('issued', 'issued'),
                                           ('issued', 'superseded'), ('superseded', 'superseded'))
       OR (OLD.superseded_by IS NOT NULL AND NEW.superseded_by IS DISTINCT FROM OLD.superseded_by) THEN
        RAISE EXCEPTION 'statement % is written once', OLD.number
            USING ERRCODE = 'insufficient_privilege', HINT = 'Issue a new version instead.';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER statements_statement_write_once BEFORE UPDATE ON statements_statement
    FOR EACH ROW EXECUTE FUNCTION statements_write_once();
CREATE TRIGGER statements_statement_kept BEFORE DELETE ON statements_statement
    FOR EACH ROW EXECUTE FUNCTION core_forbid_change();
CREATE TRIGGER statements_statement_not_emptied BEFORE TRUNCATE ON statements_statement
    FOR EACH STATEMENT EXECUTE FUNCTION core_forbid_change();
CREATE TRIGGER statements_data_kept BEFORE UPDATE OR DELETE ON statements_data
    FOR EACH ROW EXECUTE FUNCTION core_forbid_change();
CREATE TRIGGER statements_data_not_emptied BEFORE TRUNCATE ON statements_data
    FOR EACH STATEMENT EXECUTE FUNCTION core_forbid_change();

-- The frozen text belongs to its statement's hash.
CREATE OR REPLACE FUNCTION statements_check_data() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF encode(sha256(convert_to(NEW.body, 'UTF8')), 'hex') IS DISTINCT FROM
       (SELECT data_sha256 FROM statements_statement WHERE id = NEW.statement_id) THEN
        RAISE EXCEPTION 'the data of a statement must have the hash that it states'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'statements_data_hash';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER statements_data_hash BEFORE INSERT ON statements_data
    FOR EACH ROW EXECUTE FUNCTION statements_check_data();

-- Leases the first of `ids` that is due (of all work when `ids` is null) for `lease_s` seconds to the
-- caller, or answers null. What failed or died five times is parked instead. `attempts` is the fence:
-- a worker that lost its lease cannot finish what another has taken over.
CREATE OR REPLACE FUNCTION statements_claim(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    command jsonb;
    chosen uuid[];
    taken statements_work;
    answers jsonb := '[]';
BEGIN
    FOR command IN SELECT jsonb_array_elements(commands) LOOP
        chosen := CASE WHEN jsonb_typeof(command -> 'ids') = 'array' THEN ARRAY(SELECT jsonb_array_elements_text(command -> 'ids')::uuid) END;
        UPDATE statements_work SET state = 'parked', finished_at = clock_timestamp(), lease_until = NULL
        WHERE (chosen IS NULL OR id = ANY (chosen)) AND state = 'pending' AND attempts >= 5 AND lease_until < clock_timestamp();

        UPDATE statements_work SET attempts = attempts + 1, lease_until = clock_timestamp() + make_interval(secs => (command ->> 'lease_s')::float8)
        WHERE id = (
            SELECT id FROM statements_work
            WHERE (chosen IS NULL OR id = ANY (chosen)) AND state = 'pending'
              AND next_attempt_at <= clock_timestamp() AND (lease_until IS NULL OR lease_until < clock_timestamp())
            ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING * INTO taken;
        answers := answers || jsonb_build_array(jsonb_build_object('ok', CASE WHEN taken.id IS NOT NULL THEN to_jsonb(taken) END));
        taken := NULL;
    END LOOP;
    RETURN answers;
END $$;

-- Gives a month of a merchant its statement: takes the next number of the series and stores the frozen
-- data under it, or answers the statement that is already there. The series' row is locked from here to
-- the end of the transaction and is the only place that numbers come from, so a number is taken if and
-- only if its statement exists. Lock order: work, series.
CREATE OR REPLACE FUNCTION statements_number(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    command jsonb;
    work statements_work;
    found statements_statement;
    taken int;
    answers jsonb := '[]';
BEGIN
    FOR command IN SELECT jsonb_array_elements(commands) LOOP
        SELECT * INTO work FROM statements_work WHERE id = (command ->> 'work_id')::uuid FOR NO KEY UPDATE;
        IF work.state <> 'pending' OR work.attempts <> (command ->> 'attempt')::int THEN
            answers := answers || jsonb_build_array(jsonb_build_object('error', 'lease_lost'));
            CONTINUE;
        END IF;
        SELECT * INTO found FROM statements_statement s
        WHERE (s.merchant_id, s.livemode, s.currency, s.month) = (work.merchant_id, work.livemode, work.currency, work.month)
          AND s.status <> 'superseded';
        IF found.id IS NULL THEN
            INSERT INTO statements_series AS s (name, last) VALUES (command ->> 'series', 1)
            ON CONFLICT (name) DO UPDATE SET last = s.last + 1
            RETURNING last INTO taken;
            INSERT INTO statements_statement (id, merchant_id, livemode, currency, month, version, series, serial, number, status,
                opening, closing, totals, lines, postings, data_sha256, pdf_sha256, csv_sha256, issued_at)
            VALUES ((command ->> 'id')::uuid, work.merchant_id, work.livemode, work.currency, work.month, 1, command ->> 'series', taken,
                (command ->> 'series') || '-' || lpad(taken::text, greatest(6, length(taken::text)), '0'), 'numbered',
                (command ->> 'opening')::bigint, (command ->> 'closing')::bigint, command -> 'totals', (command ->> 'lines')::int,
                (command ->> 'postings')::int, command ->> 'data_sha256', '', '', (command ->> 'issued_at')::timestamptz)
            RETURNING * INTO found;
            INSERT INTO statements_data (statement_id, body) VALUES (found.id, command ->> 'body');
        END IF;
        UPDATE statements_work SET statement_id = found.id WHERE id = work.id;
        answers := answers || jsonb_build_array(jsonb_build_object('ok', to_jsonb(found)));
        found := NULL;
    END LOOP;
    RETURN answers;
END $$;

-- Leases the first of `ids` that is due to the caller, as statements_claim does.
CREATE OR REPLACE FUNCTION statements_claim_mail(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    command jsonb;
    chosen uuid[];
    taken statements_delivery;
    answers jsonb := '[]';
BEGIN
    FOR command IN SELECT jsonb_array_elements(commands) LOOP
        chosen := CASE WHEN jsonb_typeof(command -> 'ids') = 'array' THEN ARRAY(SELECT jsonb_array_elements_text(command -> 'ids')::uuid) END;
        UPDATE statements_delivery SET state = 'parked', lease_until = NULL
        WHERE (chosen IS NULL OR id = ANY (chosen)) AND state = 'sending' AND attempts >= 5 AND lease_until < clock_timestamp();

        UPDATE statements_delivery SET state = 'sending', attempts = attempts + 1,
            lease_until = clock_timestamp() + make_interval(secs => (command ->> 'lease_s')::float8)
        WHERE id = (
            SELECT id FROM statements_delivery
            WHERE (chosen IS NULL OR id = ANY (chosen)) AND next_attempt_at <= clock_timestamp()
              AND (state = 'pending' OR (state = 'sending' AND lease_until < clock_timestamp()))
            ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING * INTO taken;
        answers := answers || jsonb_build_array(jsonb_build_object('ok', CASE WHEN taken.id IS NOT NULL THEN to_jsonb(taken) END));
        taken := NULL;
    END LOOP;
    RETURN answers;
END $$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'florin_app') THEN
        REVOKE DELETE, TRUNCATE ON statements_statement, statements_series FROM florin_app;
        REVOKE UPDATE, DELETE, TRUNCATE ON statements_data FROM florin_app;
    END IF;
END $$;
