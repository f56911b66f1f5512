-- A door for callers who write the whole of a batch or nothing of it. They take back all they wrote where this one did
-- not book everything, so it needs no savepoint, tells nobody's balance and looks for no culprit: a twentieth of what
-- recording a payment costs, and of a transfer.

-- Writes commands of `today` without holds, whose month is locked. True where all of it fits; where it does
-- not, this is false or a rule raises, and the caller takes back what there is. In this order: balances are locked by
-- account id, entries are written by source, then postings, then balances.
CREATE OR REPLACE FUNCTION ledger_write_all(commands jsonb, today date) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    fine boolean;
BEGIN
    WITH command AS MATERIALIZED (
        SELECT c.no, c.id, c.kind, c.effective_at, c.source, c.sequence, c.reverses, c.livemode, c.metadata, c.postings
        FROM ROWS FROM (jsonb_to_recordset(commands) AS (
            id uuid, kind text, effective_at timestamptz, source text, sequence int, reverses uuid,
            livemode boolean, metadata jsonb, postings jsonb)) WITH ORDINALITY
            AS c (id, kind, effective_at, source, sequence, reverses, livemode, metadata, postings, no)
    ), touched AS (
        SELECT c.no, c.id, p.line, p.amount, p.amount * a.sign AS gain, a.id AS account_id, a.currency,
               b.stripe, b.guarded, b.posted, b.held
        FROM command c
        CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(c.postings) AS (account text, amount bigint, currency text)) WITH ORDINALITY
            AS p (account, amount, currency, line)
        JOIN ledger_account a ON a.code = p.account
        JOIN ledger_balance b ON b.account_id = a.id AND b.stripe = pg_backend_pid() % a.stripes
        WHERE (p.currency <> a.currency) IS NOT TRUE
        ORDER BY a.id FOR NO KEY UPDATE OF b
    ), moved AS MATERIALIZED (
        SELECT t.no, t.id, t.line, t.amount, t.gain, t.account_id, t.currency, t.stripe, t.guarded, t.held,
               t.posted + (sum(t.gain) OVER (PARTITION BY t.account_id ORDER BY t.no, t.line))::bigint AS posted
        FROM touched t
    ), entry AS (
        INSERT INTO ledger_entry (id, kind, booked_on, effective_at, source, sequence, reverses, livemode, metadata, lines)
        SELECT c.id, c.kind, today, c.effective_at, c.source, coalesce(c.sequence, 0), c.reverses, c.livemode,
               coalesce(c.metadata, '{}'), jsonb_array_length(c.postings)
        FROM command c ORDER BY c.source, c.kind, c.sequence
    ), posting AS (
        INSERT INTO ledger_posting (entry_id, line, booked_on, account_id, currency, amount, balance_after)
        SELECT m.id, m.line, today, m.account_id, m.currency, m.amount, CASE WHEN m.guarded THEN m.posted END
        FROM moved m ORDER BY m.no, m.line
    ), balance AS (
        UPDATE ledger_balance b SET posted = b.posted + m.gain
        FROM (SELECT m.account_id, m.stripe, sum(m.gain) AS gain FROM moved m GROUP BY m.account_id, m.stripe) m
        WHERE b.account_id = m.account_id AND b.stripe = m.stripe
    )
    SELECT bool_and(NOT m.guarded OR m.posted >= m.held) INTO fine FROM moved m;
    RETURN fine;
END $$;

-- One command alone: its balances are changed as they are locked. A line whose account is unknown, or the second one on
-- an account, moves nothing here; then lines are missing, and the rules say so.
CREATE OR REPLACE FUNCTION ledger_write_lone(c ledger_command, today date) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    WITH moved AS (
        UPDATE ledger_balance b SET posted = b.posted + l.gain
        FROM (
            SELECT p.line, p.amount, p.amount * a.sign AS gain, a.id, a.currency, pg_backend_pid() % a.stripes AS stripe
            FROM ROWS FROM (jsonb_to_recordset(c.postings) AS (account text, amount bigint, currency text)) WITH ORDINALITY
                AS p (account, amount, currency, line)
            JOIN ledger_account a ON a.code = p.account
            WHERE (p.currency <> a.currency) IS NOT TRUE
            ORDER BY a.id
        ) l
        WHERE b.account_id = l.id AND b.stripe = l.stripe
        RETURNING l.line, l.amount, l.id, l.currency, b.guarded, b.posted
    ), entry AS (
        INSERT INTO ledger_entry (id, kind, booked_on, effective_at, source, sequence, reverses, livemode, metadata, lines)
        VALUES (c.id, c.kind, today, c.effective_at, c.source, coalesce(c.sequence, 0), c.reverses, c.livemode,
                coalesce(c.metadata, '{}'), jsonb_array_length(c.postings))
    )
    INSERT INTO ledger_posting (entry_id, line, booked_on, account_id, currency, amount, balance_after)
    SELECT c.id, m.line, today, m.id, m.currency, m.amount, CASE WHEN m.guarded THEN m.posted END
    FROM moved m ORDER BY m.line;
    RETURN FOUND;
END $$;

-- The door for callers who write the whole of a batch or nothing: true where all was booked. Where it is false or raises
-- an integrity constraint violation, the caller takes back what was written, and asks another door what is wrong.
CREATE OR REPLACE FUNCTION ledger_post_all(commands jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
SET join_collapse_limit = 1 SET random_page_cost = 1.1
AS $$
DECLARE
    today date := core_today();
BEGIN
    IF jsonb_path_exists(commands, '$[*] ? (@.booked_on != null || exists (@.holds[*] ? (@.type() != "null")) || exists (@.settles[*] ? (@.type() != "null")))') THEN
        -- Of another day, or with holds: these are rare.
        RETURN ledger_post_silently(commands) = '{}';
    ELSIF jsonb_array_length(commands) = 1 THEN
        RETURN ledger_lock_month(today) AND ledger_write_lone(jsonb_populate_record(NULL::ledger_command, commands -> 0), today);
    END IF;
    RETURN ledger_lock_month(today) AND ledger_write_all(commands, today);
END $$;
