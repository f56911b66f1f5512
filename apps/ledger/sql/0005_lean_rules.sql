-- Rules 1, 4 and 6 as before, in fewer and smaller statements. What a check costs is not its rows but
-- making its plan ready: each statement, node and aggregate. So what is right is recognised in one
-- short look, and only what is not is looked at again, to be told apart.

-- An entry in one currency is sound where its lines, all of which fit, are as many as it says and sum
-- to zero. One that is not makes a group that is looked at again; so does one in several currencies,
-- of which no group is the whole entry.
CREATE OR REPLACE FUNCTION ledger_check_postings() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    culprit uuid;
BEGIN
    PERFORM FROM arrived p
    LEFT JOIN ledger_entry e ON e.id = p.entry_id
    LEFT JOIN ledger_account a ON a.id = p.account_id
    GROUP BY p.entry_id, e.lines, p.currency
    HAVING (e.lines = sum(CASE WHEN p.line BETWEEN 1 AND e.lines AND p.amount <> 0 AND p.booked_on = e.booked_on
                                    AND p.currency = a.currency AND e.livemode = a.livemode THEN 1 ELSE 32768 END)
            AND sum(p.amount) = 0) IS NOT TRUE;
    IF FOUND THEN
        SELECT per_currency.entry_id INTO culprit
        FROM (
            SELECT p.entry_id, sum(p.amount) = 0 AS balanced, sum(count(*)) OVER (PARTITION BY p.entry_id) = e.lines AS complete,
                   bool_and((p.line BETWEEN 1 AND e.lines AND p.amount <> 0 AND p.booked_on = e.booked_on
                             AND p.currency = a.currency AND e.livemode = a.livemode) IS TRUE) AS fit
            FROM arrived p
            LEFT JOIN ledger_entry e ON e.id = p.entry_id
            LEFT JOIN ledger_account a ON a.id = p.account_id
            GROUP BY p.entry_id, e.lines, p.currency
        ) per_currency
        WHERE (per_currency.balanced AND per_currency.complete AND per_currency.fit) IS NOT TRUE
        LIMIT 1;
    END IF;
    IF FOUND THEN
        RAISE EXCEPTION 'the postings of entry % are not complete and balanced', culprit
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_posting_balanced';
    END IF;
    RETURN NULL;
END $$;

-- Whoever books into a month shares its lock until the end of the transaction. Nothing is booked under
-- a snapshot that may be older than the lock. Gives true, so that an expression can call it. 1280266064
-- is 'LEDP'.
CREATE OR REPLACE FUNCTION ledger_lock_month(day date) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'the ledger is written at READ COMMITTED only' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    RETURN pg_advisory_xact_lock_shared(1280266064, ledger_month_key(day)) IS NOT NULL;
END $$;

-- Entries arrive together with their postings, into months that are open. The statement that looks
-- whether they are starts after their locks are had. The other trigger saw to it that an entry has all
-- its postings or none.
CREATE OR REPLACE FUNCTION ledger_check_entries() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    earliest date;
    latest date;
    day date;
BEGIN
    SELECT min(e.booked_on), max(e.booked_on) INTO earliest, latest FROM arrived e;
    day := earliest;
    WHILE day <= latest AND ledger_lock_month(day) LOOP
        EXIT WHEN day = latest;
        day := least(ledger_month(day) + interval '1 month', latest)::date;
    END LOOP;
    PERFORM FROM arrived e
    WHERE (e.kind <> '' AND e.source <> '' AND e.lines >= 2 AND e.booked_on BETWEEN '2000-01-01' AND '2199-12-31'
           AND e.seal_no IS NULL AND e.recorded_xid = pg_current_xact_id()) IS NOT TRUE
       OR NOT EXISTS (SELECT FROM ledger_posting p WHERE p.entry_id = e.id AND p.line = 1 AND p.booked_on BETWEEN earliest AND latest)
       OR EXISTS (SELECT FROM ledger_period m WHERE m.month >= ledger_month(earliest) AND m.status <> 'open');
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    FOR day IN SELECT DISTINCT e.booked_on FROM arrived e LOOP
        IF ledger_month_shut(day) THEN
            RAISE EXCEPTION 'an entry is booked into a month that is not open'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_period_open';
        END IF;
    END LOOP;
    PERFORM FROM arrived e
    WHERE (e.kind <> '' AND e.source <> '' AND e.lines >= 2 AND e.booked_on BETWEEN '2000-01-01' AND '2199-12-31'
           AND e.seal_no IS NULL AND e.recorded_xid = pg_current_xact_id()) IS NOT TRUE
       OR NOT EXISTS (SELECT FROM ledger_posting p WHERE p.entry_id = e.id AND p.line = 1 AND p.booked_on BETWEEN earliest AND latest);
    IF FOUND THEN
        RAISE EXCEPTION 'an entry arrived without its postings or is malformed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_complete';
    END IF;
    RETURN NULL;
END $$;
