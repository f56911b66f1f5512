-- What no writer can break, `ledger_post` and a hand at the prompt alike.

CREATE OR REPLACE FUNCTION ledger_month(day date) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN date_trunc('month', day::timestamp)::date;

CREATE OR REPLACE FUNCTION ledger_month_key(day date) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (extract(year FROM day) * 12 + extract(month FROM day))::int;

-- True where nothing may be booked: a later month or the month itself is closed, or it is at its
-- cut-off. An answer that lasts only under the month's lock.
CREATE OR REPLACE FUNCTION ledger_month_shut(day date) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM ledger_period p
        WHERE p.month >= ledger_month(day)
          AND (p.status IN ('closed', 'hard_closed') OR p.status = 'cutoff' AND p.month <= day)
    );
END $$;

-- Whoever books into a month shares its lock until the end of the transaction; whoever closes it has
-- it alone. True where the month is open. A snapshot older than the lock would not see that the month
-- was closed meanwhile, so nothing is booked under one. 1280266064 is 'LEDP'.
CREATE OR REPLACE FUNCTION ledger_enter_month(day date) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'the ledger is written at READ COMMITTED only'
            USING ERRCODE = 'invalid_transaction_state';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(1280266064, ledger_month_key(day));
    RETURN NOT ledger_month_shut(day);
END $$;

-- Rules 1 and 6: the postings of an entry arrive in one statement, complete, balanced per currency,
-- on accounts of their currency and mode, under the entry's date. Sums are first taken over all
-- currencies of an entry, which is exact for the one-currency entries that nearly all are.
CREATE OR REPLACE FUNCTION ledger_check_postings() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    culprit uuid;
    sound boolean;
BEGIN
    SELECT per_entry.entry_id, per_entry.sound INTO culprit, sound
    FROM (
        SELECT p.entry_id, min(p.currency) <> max(p.currency) AS mixed,
               sum(p.amount) = 0 AND count(*) = min(e.lines)
               AND bool_and((p.line BETWEEN 1 AND e.lines AND p.amount <> 0 AND p.booked_on = e.booked_on
                             AND p.currency = a.currency AND e.livemode = a.livemode) IS TRUE) AS sound
        FROM arrived p
        LEFT JOIN ledger_entry e ON e.id = p.entry_id
        LEFT JOIN ledger_account a ON a.id = p.account_id
        GROUP BY p.entry_id
    ) per_entry
    WHERE per_entry.mixed OR per_entry.sound IS NOT TRUE
    ORDER BY per_entry.sound NULLS FIRST LIMIT 1;
    IF FOUND AND sound THEN
        SELECT p.entry_id INTO culprit FROM arrived p GROUP BY p.entry_id, p.currency HAVING sum(p.amount) <> 0 LIMIT 1;
    END IF;
    IF FOUND THEN
        RAISE EXCEPTION 'the postings of entry % are not complete and balanced', culprit
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_posting_balanced';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_posting_balanced AFTER INSERT ON ledger_posting
    REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION ledger_check_postings();

-- Rules 1 and 4: an entry arrives together with its postings, into a month that is open.
CREATE OR REPLACE FUNCTION ledger_check_entries() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    earliest date;
    latest date;
    day date;
    ids uuid[];
    lines bigint;
    fit boolean;
BEGIN
    SELECT min(e.booked_on), max(e.booked_on), array_agg(e.id), sum(e.lines),
           bool_and(e.kind <> '' AND e.source <> '' AND e.lines >= 2 AND e.booked_on BETWEEN '2000-01-01' AND '2199-12-31'
                    AND e.seal_no IS NULL AND e.recorded_xid = pg_current_xact_id())
    INTO earliest, latest, ids, lines, fit
    FROM arrived e;
    day := earliest;
    WHILE day <= latest LOOP
        IF NOT ledger_enter_month(day) THEN
            RAISE EXCEPTION 'an entry is booked into a month that is not open'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_period_open';
        END IF;
        EXIT WHEN day = latest;
        day := least(ledger_month(day) + interval '1 month', latest)::date;
    END LOOP;
    -- The other trigger saw to it that an entry has all its postings or none.
    IF NOT fit OR lines <> (SELECT count(*) FROM ledger_posting p
                            WHERE p.booked_on BETWEEN earliest AND latest AND p.entry_id = ANY (ids)) THEN
        RAISE EXCEPTION 'an entry arrived without its postings or is malformed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_complete';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_entry_complete AFTER INSERT ON ledger_entry
    REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION ledger_check_entries();

-- Rule 2: what was written stays as it was. Entries have one exception: one that has no seal gets it.
CREATE OR REPLACE FUNCTION ledger_entry_only_sealed() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    otherwise ledger_entry := NEW;
BEGIN
    otherwise.seal_no := OLD.seal_no;
    IF OLD.seal_no IS NOT NULL OR otherwise IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'ledger_entry is append-only: UPDATE refused'
            USING ERRCODE = 'insufficient_privilege', HINT = 'Corrections are new entries that reverse the old.';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_entry_only_sealed BEFORE UPDATE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION ledger_entry_only_sealed();
CREATE TRIGGER ledger_entry_kept BEFORE DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION core_forbid_change();
CREATE TRIGGER ledger_posting_kept BEFORE UPDATE OR DELETE ON ledger_posting
    FOR EACH ROW EXECUTE FUNCTION core_forbid_change();
CREATE TRIGGER ledger_seal_kept BEFORE UPDATE OR DELETE ON ledger_seal
    FOR EACH ROW EXECUTE FUNCTION core_forbid_change();
CREATE TRIGGER ledger_account_kept BEFORE UPDATE OR DELETE ON ledger_account
    FOR EACH ROW EXECUTE FUNCTION core_forbid_change();
CREATE TRIGGER ledger_balance_kept BEFORE DELETE ON ledger_balance
    FOR EACH ROW EXECUTE FUNCTION core_forbid_change();
CREATE TRIGGER ledger_hold_kept BEFORE DELETE ON ledger_hold
    FOR EACH ROW EXECUTE FUNCTION core_forbid_change();
CREATE TRIGGER ledger_period_kept BEFORE DELETE ON ledger_period
    FOR EACH ROW EXECUTE FUNCTION core_forbid_change();
DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY '{entry,posting,seal,account,balance,hold,period}'::text[] LOOP
        EXECUTE format('CREATE TRIGGER ledger_%s_not_emptied BEFORE TRUNCATE ON ledger_%s
            FOR EACH STATEMENT EXECUTE FUNCTION core_forbid_change()', kept, kept);
    END LOOP;
END $$;

-- A hold is resolved once and otherwise stays as it was made.
CREATE OR REPLACE FUNCTION ledger_hold_only_resolved() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    otherwise ledger_hold := NEW;
BEGIN
    otherwise.status := OLD.status;
    otherwise.resolved_at := OLD.resolved_at;
    otherwise.entry_id := OLD.entry_id;
    IF OLD.status <> 'open' OR NEW.status = 'open' OR otherwise IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'hold % is resolved once and never changed otherwise', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_hold_resolved_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_hold_resolved_once BEFORE UPDATE ON ledger_hold
    FOR EACH ROW EXECUTE FUNCTION ledger_hold_only_resolved();

-- A partition is no way around the rules of its table. Row triggers of a partitioned table hold in
-- every partition, statement triggers only where a statement names the table itself: so rows come in
-- through the parent only, and no partition can be emptied by name. Called for every new partition.
CREATE OR REPLACE FUNCTION ledger_refuse_partition() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is a partition: % goes through ledger_posting', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE FUNCTION ledger_posting_partition(child regclass) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE OR REPLACE TRIGGER ledger_posting_by_parent BEFORE INSERT ON %s
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_partition()', child);
    EXECUTE format('CREATE OR REPLACE TRIGGER ledger_posting_not_emptied BEFORE TRUNCATE ON %s
        FOR EACH STATEMENT EXECUTE FUNCTION core_forbid_change()', child);
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'florin_app') THEN
        EXECUTE format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON %s FROM florin_app', child);
    END IF;
END $$;
SELECT ledger_posting_partition('ledger_posting_default');
