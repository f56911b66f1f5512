-- Many commands in one statement, as one command already is, and a door for callers who need to know
-- only what was refused: to tell the balances of every command costs a quarter of booking them.

-- The outcomes of commands without holds whose months are locked, or null where they do not all fit;
-- then nothing of them stays. `told` false: '[]' in place of the outcomes. In this order: balances are
-- locked by account id, entries are written by source, then postings, then balances. On the way no
-- guarded balance may be below what is held even between two lines of a command: that is less than
-- what is allowed, and `ledger_book` knows better.
CREATE OR REPLACE FUNCTION ledger_try(commands jsonb, today date, told boolean) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    outcomes jsonb := '[]';
    fine boolean;
BEGIN
    WITH command AS MATERIALIZED (
        SELECT c.no, c.id, c.kind, coalesce(c.booked_on, today) AS booked_on, c.effective_at, c.source, c.sequence, c.reverses,
               c.livemode, c.metadata, c.postings
        FROM ROWS FROM (jsonb_to_recordset(commands) AS (
            id uuid, kind text, booked_on date, effective_at timestamptz, source text, sequence int, reverses uuid,
            livemode boolean, metadata jsonb, postings jsonb)) WITH ORDINALITY
            AS c (id, kind, booked_on, effective_at, source, sequence, reverses, livemode, metadata, postings, no)
    ), touched AS (
        SELECT c.no, c.id, c.booked_on, p.line, p.account, p.amount, p.amount * a.sign AS gain, a.id AS account_id, a.currency,
               b.stripe, b.guarded, b.posted, b.held
        FROM command c
        CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(c.postings) AS (account text, amount bigint, currency text)) WITH ORDINALITY
            AS p (account, amount, currency, line)
        JOIN ledger_account a ON a.code = p.account
        JOIN ledger_balance b ON b.account_id = a.id AND b.stripe = pg_backend_pid() % a.stripes
        WHERE (p.currency <> a.currency) IS NOT TRUE
        ORDER BY a.id FOR NO KEY UPDATE OF b
    ), moved AS MATERIALIZED (
        SELECT t.no, t.id, t.booked_on, t.line, t.account, t.amount, t.gain, t.account_id, t.currency, t.stripe, t.guarded, t.held,
               t.posted + (sum(t.gain) OVER (PARTITION BY t.account_id ORDER BY t.no, t.line))::bigint AS posted
        FROM touched t
    ), entry AS (
        INSERT INTO ledger_entry (id, kind, booked_on, effective_at, source, sequence, reverses, livemode, metadata, lines)
        SELECT c.id, c.kind, c.booked_on, c.effective_at, c.source, coalesce(c.sequence, 0), c.reverses, c.livemode,
               coalesce(c.metadata, '{}'), jsonb_array_length(c.postings)
        FROM command c ORDER BY c.source, c.kind, c.sequence
    ), posting AS (
        INSERT INTO ledger_posting (entry_id, line, booked_on, account_id, currency, amount, balance_after)
        SELECT m.id, m.line, m.booked_on, m.account_id, m.currency, m.amount, CASE WHEN m.guarded THEN m.posted END
        FROM moved m ORDER BY m.no, m.line
    ), balance AS (
        UPDATE ledger_balance b SET posted = b.posted + m.gain
        FROM (SELECT m.account_id, m.stripe, sum(m.gain) AS gain FROM moved m GROUP BY m.account_id, m.stripe) m
        WHERE b.account_id = m.account_id AND b.stripe = m.stripe
    )
    SELECT bool_and(NOT m.guarded OR m.posted >= m.held),
           CASE WHEN told THEN (
               SELECT jsonb_agg(jsonb_build_object('ok', jsonb_build_object(
                   'entry_id', n.id, 'booked_on', n.booked_on, 'balances', n.balances)) ORDER BY n.no)
               FROM (SELECT t.no, t.id, t.booked_on, coalesce(jsonb_object_agg(t.account, jsonb_build_object(
                         'posted', t.posted, 'held', t.held) ORDER BY t.line) FILTER (WHERE t.guarded), '{}') AS balances
                     FROM moved t GROUP BY t.no, t.id, t.booked_on) n
           ) ELSE '[]' END
    INTO fine, outcomes FROM moved m;
    IF fine THEN
        RETURN outcomes;
    END IF;
    RAISE EXCEPTION 'not all of the commands fit' USING ERRCODE = 'check_violation';
EXCEPTION WHEN unique_violation OR check_violation OR not_null_violation THEN
    RETURN NULL;
END $$;

-- One command without holds whose month is locked: as `ledger_try`, with its outcome alone ('{}' where
-- `told` is false). A line whose account is unknown, or the second one on an account, moves nothing here;
-- then lines are missing, and the rules say so.
CREATE OR REPLACE FUNCTION ledger_write_one(c ledger_command, told boolean) RETURNS jsonb
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
    SELECT CASE WHEN told THEN (
        SELECT jsonb_object_agg(m.account, jsonb_build_object('posted', m.posted, 'held', m.held)) FROM moved m WHERE m.guarded) END
    INTO balances FROM moved LIMIT 1;
    IF told THEN
        RETURN jsonb_build_object('ok', jsonb_build_object(
            'entry_id', c.id, 'booked_on', c.booked_on, 'balances', coalesce(balances, '{}')));
    END IF;
    RETURN '{}';
EXCEPTION WHEN unique_violation OR check_violation OR not_null_violation THEN
    RETURN NULL;
END $$;

-- For calls of the former `ledger_post` that were under way when this one came.
CREATE OR REPLACE FUNCTION ledger_try_one(c ledger_command) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
    RETURN ledger_write_one(c, true);
END $$;

-- The months of the commands are locked, oldest first, and open or not.
CREATE OR REPLACE FUNCTION ledger_lock_months(commands jsonb, today date) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT jsonb_path_exists(commands, '$[*].booked_on ? (@ != null)') THEN
        RETURN ledger_lock_month(today);
    END IF;
    RETURN bool_and(ledger_lock_month(m.month)) FROM (
        SELECT DISTINCT ledger_month(coalesce(c.booked_on, today)) AS month
        FROM jsonb_to_recordset(commands) AS c (booked_on date) ORDER BY month) m;
END $$;

-- What comes of the commands: by the short way where it leads there, else by `ledger_book`. Where
-- `told` is false and all were booked, an empty array.
CREATE OR REPLACE FUNCTION ledger_take(commands jsonb, told boolean) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    today date := core_today();
    cs ledger_command[] := '{}';
    c ledger_command;
    outcomes jsonb;
    short boolean := ledger_lock_months(commands, today) AND NOT jsonb_path_exists(commands,
        '$[*] ? (exists (@.holds[*] ? (@.type() != "null")) || exists (@.settles[*] ? (@.type() != "null")))');
BEGIN
    IF commands = '[]' THEN
        RETURN '[]';
    END IF;
    IF short AND jsonb_array_length(commands) > 1 THEN
        outcomes := ledger_try(commands, today, told);
        IF outcomes IS NOT NULL THEN
            RETURN outcomes;
        END IF;
    END IF;
    FOR nth IN 0 .. jsonb_array_length(commands) - 1 LOOP
        c := jsonb_populate_record(NULL::ledger_command, commands -> nth);
        c.booked_on := coalesce(c.booked_on, today);
        cs[nth + 1] := c;
    END LOOP;
    IF short AND cardinality(cs) = 1 THEN
        outcomes := ledger_write_one(c, told);
        IF outcomes IS NOT NULL THEN
            RETURN CASE WHEN told THEN jsonb_build_array(outcomes) ELSE '[]' END;
        END IF;
    END IF;
    RETURN coalesce(ledger_book(cs), '[]');
END $$;

-- The door: one outcome per command, in their order.
CREATE OR REPLACE FUNCTION ledger_post(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
-- Plans are made once a session and look rows up one by one, whatever the tables looked like then.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
SET join_collapse_limit = 1 SET random_page_cost = 1.1
AS $$
BEGIN
    RETURN ledger_take(commands, true);
END $$;

-- The same door for callers who ask only what was refused: the outcomes of those commands by their
-- number from 0, {"3": {"error": …}}; '{}' where all were booked.
CREATE OR REPLACE FUNCTION ledger_post_silently(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
SET join_collapse_limit = 1 SET random_page_cost = 1.1
AS $$
DECLARE
    outcomes jsonb := ledger_take(commands, false);
BEGIN
    IF outcomes = '[]' THEN
        RETURN '{}';
    END IF;
    RETURN (SELECT coalesce(jsonb_object_agg(o.no - 1, o.outcome), '{}')
            FROM jsonb_array_elements(outcomes) WITH ORDINALITY AS o (outcome, no) WHERE o.outcome ? 'error');
END $$;
