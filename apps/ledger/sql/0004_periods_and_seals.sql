-- Opening and closing months, and sealing what was booked.

-- The first of the months that closing `of_month` closes: everything after the last closed one.
CREATE OR REPLACE FUNCTION ledger_first_open(of_month date) RETURNS date
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN coalesce(
        (SELECT max(p.month) + interval '1 month' FROM ledger_period p
         WHERE p.month < of_month AND p.status IN ('closed', 'hard_closed')),
        '2000-01-01')::date;
END $$;

-- Why a month cannot move from one status to the other, or null. Asked under its lock.
CREATE OR REPLACE FUNCTION ledger_period_objection(of_month date, was text, becomes text, why text) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
    other date;
BEGIN
    IF (was, becomes) NOT IN (('open', 'cutoff'), ('open', 'closed'), ('cutoff', 'open'), ('cutoff', 'closed'),
                              ('closed', 'hard_closed'), ('closed', 'open')) THEN
        RETURN jsonb_build_object('error', 'period_transition', 'from', was, 'to', becomes);
    ELSIF was = 'closed' AND becomes = 'open' AND coalesce(trim(why), '') = '' THEN
        RETURN jsonb_build_object('error', 'reason_missing');
    END IF;
    SELECT max(p.month) INTO other FROM ledger_period p
    WHERE p.month > of_month AND p.status IN ('closed', 'hard_closed');
    IF other IS NOT NULL AND becomes <> 'hard_closed' THEN
        RETURN jsonb_build_object('error', 'later_month_closed', 'month', to_char(other, 'YYYY-MM'));
    END IF;
    IF becomes = 'closed' THEN
        SELECT min(e.booked_on) INTO other FROM ledger_entry e
        WHERE e.booked_on >= ledger_first_open(of_month) AND e.booked_on < of_month;
    ELSIF becomes = 'hard_closed' THEN
        SELECT min(p.month) INTO other FROM ledger_period p WHERE p.month < of_month AND p.status <> 'hard_closed';
    END IF;
    IF other IS NOT NULL THEN
        RETURN jsonb_build_object('error', 'earlier_month_open', 'month', to_char(other, 'YYYY-MM'));
    END IF;
    RETURN NULL;
END $$;

-- The month has that status afterwards: open, cutoff, closed or hard_closed. A closed month is opened
-- again for a reason; a hard close is for ever; earlier months that have entries go first.
-- Locks: alone, every month that this closes. Whoever was booking into one of them has finished;
-- whoever comes after finds it closed.
-- Gives {"ok": {"month", "status", "version"}} or {"error", …}.
CREATE OR REPLACE FUNCTION ledger_set_period(of_month date, to_status text, why text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    kept ledger_period;
    refused jsonb;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'months are closed at READ COMMITTED only' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    PERFORM pg_advisory_xact_lock(1280266064, key)
    FROM generate_series(ledger_month_key(least(ledger_first_open(of_month), of_month)), ledger_month_key(of_month)) key;
    SELECT * INTO kept FROM ledger_period p WHERE p.month = of_month;
    IF coalesce(kept.status, 'open') = to_status THEN
        RETURN jsonb_build_object('ok', jsonb_build_object('month', of_month, 'status', to_status, 'version', coalesce(kept.version, 0)));
    END IF;
    refused := ledger_period_objection(of_month, coalesce(kept.status, 'open'), to_status, why);
    IF refused IS NOT NULL THEN
        RETURN refused;
    END IF;
    INSERT INTO ledger_period AS p (month, status, reason, closed_at)
    VALUES (of_month, to_status, why, CASE WHEN to_status IN ('closed', 'hard_closed') THEN clock_timestamp() END)
    ON CONFLICT (month) DO UPDATE
        SET status = excluded.status, reason = excluded.reason, version = p.version + 1, changed_at = clock_timestamp(),
            closed_at = CASE WHEN excluded.status = 'hard_closed' THEN p.closed_at ELSE excluded.closed_at END
    RETURNING * INTO kept;
    RETURN jsonb_build_object('ok', jsonb_build_object('month', kept.month, 'status', kept.status, 'version', kept.version));
END $$;

-- The backstop for a hand at the prompt: a hard close is for ever, and every change counts.
CREATE OR REPLACE FUNCTION ledger_period_moves() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'hard_closed' OR NEW.month <> OLD.month OR NEW.version <> OLD.version + 1
       OR OLD.status = 'closed' AND NEW.status = 'open' AND coalesce(trim(NEW.reason), '') = '' THEN
        RAISE EXCEPTION 'the month % cannot be changed like this', to_char(OLD.month, 'YYYY-MM')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_period_moves';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_period_moves BEFORE UPDATE ON ledger_period
    FOR EACH ROW EXECUTE FUNCTION ledger_period_moves();

-- What an entry is, as bytes that no setting of a session changes.
CREATE OR REPLACE FUNCTION ledger_entry_digest(e ledger_entry) RETURNS bytea
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN sha256(convert_to(jsonb_build_array(
        e.id, e.kind, e.booked_on, (extract(epoch FROM e.recorded_at) * 1000000)::bigint,
        (extract(epoch FROM e.effective_at) * 1000000)::bigint, e.source, e.sequence, e.reverses, e.livemode, e.metadata,
        (SELECT jsonb_agg(jsonb_build_array(p.line, p.account_id, p.currency, p.amount, p.balance_after) ORDER BY p.line)
         FROM ledger_posting p WHERE p.entry_id = e.id AND p.booked_on = e.booked_on))::text, 'UTF8'));
END $$;

-- The hash of a seal: over the one before it and its entries in order.
CREATE OR REPLACE FUNCTION ledger_seal_hash(seal bigint, previous bytea) RETURNS bytea
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT sha256(previous || string_agg(ledger_entry_digest(e), ''::bytea ORDER BY e.recorded_xid, e.id))
            FROM ledger_entry e WHERE e.seal_no = seal);
END $$;

-- Seals up to `at_most` entries, oldest first, of transactions that have ended, as all before them
-- have: none can turn up later between two that are sealed. One sealer at a time. Returns how many.
CREATE OR REPLACE FUNCTION ledger_seal(at_most int DEFAULT 5000) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    last ledger_seal;
    sealed int;
BEGIN
    PERFORM pg_advisory_xact_lock(1280266064, 0);
    SELECT * INTO last FROM ledger_seal s ORDER BY s.no DESC LIMIT 1;
    last.no := coalesce(last.no, 0) + 1;
    last.hash := coalesce(last.hash, sha256('florin'));
    WITH ended AS (
        SELECT e.id FROM ledger_entry e
        WHERE e.seal_no IS NULL AND e.recorded_xid < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY e.recorded_xid, e.id LIMIT at_most
    )
    UPDATE ledger_entry e SET seal_no = last.no FROM ended WHERE e.id = ended.id;
    GET DIAGNOSTICS sealed = ROW_COUNT;
    IF sealed > 0 THEN
        INSERT INTO ledger_seal (no, entries, previous, hash)
        VALUES (last.no, sealed, last.hash, ledger_seal_hash(last.no, last.hash));
    END IF;
    RETURN sealed;
END $$;

-- The seals that do not fit what they seal, oldest first; none when the chain holds from the first.
-- One seal is in memory at a time.
CREATE OR REPLACE FUNCTION ledger_verify_seals() RETURNS TABLE (no bigint, problem text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    s ledger_seal;
    before bytea := sha256('florin');
    expected bigint := 1;
BEGIN
    FOR s IN SELECT * FROM ledger_seal q ORDER BY q.no LOOP
        IF s.no <> expected OR s.previous <> before THEN
            RETURN QUERY SELECT s.no, 'does not follow the seal before it';
        ELSIF s.hash IS DISTINCT FROM ledger_seal_hash(s.no, s.previous)
              OR s.entries <> (SELECT count(*) FROM ledger_entry e WHERE e.seal_no = s.no) THEN
            RETURN QUERY SELECT s.no, 'its entries were changed';
        END IF;
        before := s.hash;
        expected := s.no + 1;
    END LOOP;
    RETURN QUERY SELECT e.seal_no, 'was never made' FROM ledger_entry e
        WHERE e.seal_no >= expected OR e.seal_no < 1 GROUP BY e.seal_no;
END $$;

-- The application books through the functions above and through nothing else.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'florin_app') THEN
        REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON ledger_account_kind, ledger_account, ledger_entry, ledger_posting,
            ledger_posting_default, ledger_balance, ledger_hold, ledger_period, ledger_seal FROM florin_app;
    END IF;
END $$;
