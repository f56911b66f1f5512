-- A call with one command, as most are where there is no crowd: one statement writes it, the rules
-- judge it. Where anything speaks against it, nothing of it stays, and `ledger_book` finds out what.

-- The outcome of a command without holds whose month is locked, or null where it did not fit. Its
-- balances are locked by account id, as everywhere, and before the entry is written.
CREATE OR REPLACE FUNCTION ledger_try_one(c ledger_command) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    balances jsonb;
BEGIN
    WITH moved AS (
        UPDATE ledger_balance b SET posted = b.posted + l.gain
        FROM (
            SELECT p.line, p.account, p.amount, p.amount * a.sign AS gain, a.id, a.currency, pg_backend_pid() % a.stripes AS stripe
            FROM ROWS FROM (jsonb_to_recordset(c.postings) AS (account text, amount bigint, currency text)) WITH ORDINALITY
                AS p (account, amount, currency, line)
            JOIN ledger_account a ON a.code = p.account
            WHERE (p.currency <> a.currency) IS NOT TRUE
            ORDER BY a.id
        ) l
        WHERE b.account_id = l.id AND b.stripe = l.stripe
        RETURNING l.line, l.account, l.amount, l.id, l.currency, b.guarded, b.posted, b.held
    ), entry AS (
        INSERT INTO ledger_entry (id, kind, booked_on, effective_at, source, sequence, reverses, livemode, metadata, lines)
        VALUES (c.id, c.kind, c.booked_on, c.effective_at, c.source, coalesce(c.sequence, 0), c.reverses, c.livemode,
                coalesce(c.metadata, '{}'), jsonb_array_length(c.postings))
    ), posting AS (
        INSERT INTO ledger_posting (entry_id, line, booked_on, account_id, currency, amount, balance_after)
        SELECT c.id, m.line, c.booked_on, m.id, m.currency, m.amount, CASE WHEN m.guarded THEN m.posted END
        FROM moved m ORDER BY m.line
    )
    SELECT jsonb_object_agg(m.account, jsonb_build_object('posted', m.posted, 'held', m.held)) FILTER (WHERE m.guarded)
    INTO balances FROM moved m;
    RETURN jsonb_build_object('ok', jsonb_build_object(
        'entry_id', c.id, 'booked_on', c.booked_on, 'balances', coalesce(balances, '{}')));
EXCEPTION WHEN unique_violation OR check_violation OR not_null_violation THEN
    -- A line whose account is unknown, or the second on one account, moved nothing: then lines are missing.
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION ledger_post(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
-- Plans are made once a session and look rows up one by one, whatever the tables looked like then.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
SET join_collapse_limit = 1 SET random_page_cost = 1.1
AS $$
DECLARE
    cs ledger_command[];
    lone ledger_command;
    today date;
    outcome jsonb;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'the ledger is written at READ COMMITTED only' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    IF jsonb_array_length(commands) = 1 THEN
        lone := jsonb_populate_record(NULL::ledger_command, commands -> 0);
        IF lone.booked_on IS NULL THEN
            lone.booked_on := core_today();
        END IF;
        IF ledger_lock_month(lone.booked_on) AND coalesce(lone.holds, '[]') = '[]' AND coalesce(lone.settles, '[]') = '[]' THEN
            outcome := ledger_try_one(lone);
        END IF;
        RETURN CASE WHEN outcome IS NULL THEN ledger_book(ARRAY[lone]) ELSE jsonb_build_array(outcome) END;
    END IF;

    cs := ARRAY(SELECT c FROM jsonb_populate_recordset(NULL::ledger_command, commands) c);
    FOR nth IN 1 .. cardinality(cs) LOOP
        IF cs[nth].booked_on IS NULL THEN
            today := coalesce(today, core_today());
            cs[nth].booked_on := today;
        END IF;
    END LOOP;
    PERFORM pg_advisory_xact_lock_shared(1280266064, m.key)
    FROM (SELECT DISTINCT ledger_month_key(c.booked_on) AS key FROM unnest(cs) c ORDER BY key) m;
    RETURN coalesce(ledger_book(cs), '[]');
END $$;
