-- Opening and closing months, and sealing what was booked.

-- Moves a month to `status`. Earlier months with entries must be closed first; a hard close is for ever.
-- Returns {"ok": {"month", "status", "version"}} or {"error", …}.  Locks: the month, alone.
CREATE OR REPLACE FUNCTION ledger_set_period(of_month date, to_status text, why text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    now_status text;
    earlier date;
    row ledger_period;
BEGIN
    PERFORM pg_advisory_xact_lock(1280266064, ledger_month_key(of_month));
    SELECT status INTO now_status FROM ledger_period WHERE month = of_month FOR UPDATE;
    now_status := coalesce(now_status, 'open');
    IF now_status = to_status THEN
        SELECT * INTO row FROM ledger_period WHERE month = of_month;
        RETURN jsonb_build_object('ok', jsonb_build_object('month', of_month, 'status', to_status, 'version', coalesce(row.version, 0)));
    ELSIF NOT (now_status, to_status) IN (('open', 'cutoff'), ('open', 'closed'), ('cutoff', 'open'), ('cutoff', 'closed'),
                                          ('closed', 'hard_closed'), ('closed', 'open')) THEN
        RETURN jsonb_build_object('error', 'period_transition', 'from', now_status, 'to', to_status);
    ELSIF now_status = 'closed' AND to_status = 'open' AND coalesce(why, '') = '' THEN
        RETURN '{"error": "reason_missing"}';
    ELSIF to_status IN ('open', 'cutoff') AND EXISTS (
        SELECT FROM ledger_period WHERE month > of_month AND status IN ('closed', 'hard_closed')) THEN
        RETURN '{"error": "later_month_closed"}';
    END IF;
    IF to_status = 'closed' THEN
        SELECT min(date_trunc('month', e.booked_on::timestamp))::date INTO earlier FROM ledger_entry e
        WHERE e.booked_on < of_month AND e.booked_on >= coalesce(
            (SELECT max(month) + interval '1 month' FROM ledger_period WHERE status IN ('closed', 'hard_closed')), '-infinity');
        IF earlier IS NOT NULL THEN
            RETURN jsonb_build_object('error', 'earlier_month_open', 'month', to_char(earlier, 'YYYY-MM'));
        END IF;
    END IF;
    INSERT INTO ledger_period AS p (month, status, reason, closed_at)
    VALUES (of_month, to_status, why, CASE WHEN to_status IN ('closed', 'hard_closed') THEN clock_timestamp() END)
    ON CONFLICT (month) DO UPDATE SET status = excluded.status, reason = excluded.reason, version = p.version + 1,
        changed_at = clock_timestamp(),
        closed_at = CASE WHEN excluded.closed_at IS NULL THEN NULL ELSE coalesce(p.closed_at, excluded.closed_at) END
    RETURNING * INTO row;
    RETURN jsonb_build_object('ok', jsonb_build_object('month', row.month, 'status', row.status, 'version', row.version));
END $$;

-- What an entry is, as bytes: the same for ever, whatever it is read with.
CREATE OR REPLACE FUNCTION ledger_entry_digest(e ledger_entry) RETURNS bytea
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN sha256(convert_to(concat_ws('|', e.id, e.kind, e.booked_on, extract(epoch FROM e.recorded_at), extract(epoch FROM e.effective_at),
        e.source, e.sequence, e.reverses, e.livemode, e.metadata,
        (SELECT string_agg(concat_ws(',', p.line, p.account_id, p.currency, p.amount, p.balance_after), ';' ORDER BY p.line)
         FROM ledger_posting p WHERE p.entry_id = e.id AND p.booked_on = e.booked_on)), 'UTF8'));
END $$;

-- The hash of a seal: the one before it and its entries in order.
CREATE OR REPLACE FUNCTION ledger_seal_hash(seal bigint, previous bytea) RETURNS bytea
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT sha256(previous || string_agg(ledger_entry_digest(e), ''::bytea ORDER BY e.recorded_xid, e.id))
            FROM ledger_entry e WHERE e.seal_no = seal);
END $$;

-- Seals up to `at_most` entries whose transactions, and all before them, have certainly ended. One at a time;
-- returns how many were sealed.
CREATE OR REPLACE FUNCTION ledger_seal(at_most int DEFAULT 5000) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    last ledger_seal;
    sealed int;
    chained bytea;
BEGIN
    PERFORM pg_advisory_xact_lock(1280266064, 0);
    SELECT * INTO last FROM ledger_seal ORDER BY no DESC LIMIT 1;
    last.no := coalesce(last.no, 0) + 1;
    last.hash := coalesce(last.hash, sha256('florin'::bytea));
    WITH batch AS (
        SELECT id FROM ledger_entry WHERE seal_no IS NULL AND recorded_xid < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY recorded_xid, id LIMIT at_most
    )
    UPDATE ledger_entry e SET seal_no = last.no FROM batch WHERE batch.id = e.id;
    GET DIAGNOSTICS sealed = ROW_COUNT;
    IF sealed > 0 THEN
        chained := ledger_seal_hash(last.no, last.hash);
        INSERT INTO ledger_seal (no, entries, previous, hash) VALUES (last.no, sealed, last.hash, chained);
    END IF;
    RETURN sealed;
END $$;

-- The seals that do not fit what they seal, in order; none when the chain holds from the first.
CREATE OR REPLACE FUNCTION ledger_verify_seals() RETURNS TABLE (no bigint, problem text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    s ledger_seal;
    before bytea := sha256('florin'::bytea);
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
END $$;

-- The application books through the functions above and through nothing else.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'florin_app') THEN
        REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON ledger_entry, ledger_posting, ledger_posting_default, ledger_balance, ledger_hold,
            ledger_account, ledger_account_kind, ledger_period, ledger_seal FROM florin_app;
    END IF;
END $$;
