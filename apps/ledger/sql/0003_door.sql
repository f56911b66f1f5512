-- `ledger_post(commands)`: the one door through which money is booked.
--
-- Many commands in, one outcome each out, in their order; one that is refused changes nothing and
-- the later ones do not see it. A call is tried as a whole; what does not fit is halved until the
-- culprit stands alone, which is exact because the first half is written before the second is tried.
--
-- The order of all locks: months (shared, oldest first), accounts opened on first use (by code),
-- balances (by account id). Everyone takes them in that order and waits for nothing after the last,
-- except for another's unfinished entry from the same source.

CREATE TYPE ledger_command AS (
    id uuid,
    kind text,
    booked_on date,
    effective_at timestamptz,
    source text,
    sequence int,
    reverses uuid,
    livemode boolean,
    metadata jsonb,
    postings jsonb,
    holds jsonb,
    settles jsonb
);

-- What command `no` does to one account: settling holds comes first, then its postings, then new
-- holds, numbered through by `line` (negative, from 1, from 1001). `d_posted` and `d_held` is what
-- the account's balance gains; `misfit` is why it cannot be.
CREATE TYPE ledger_effect AS (
    no int,
    line int,
    account_id uuid,
    stripe int,
    code text,
    currency text,
    guarded boolean,
    amount bigint,
    d_posted bigint,
    d_held bigint,
    misfit text
);

-- The uuid in a TypeID's 26 characters (Crockford base32), null where they are not one.
CREATE OR REPLACE FUNCTION ledger_typeid_uuid(suffix text) RETURNS uuid
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
    bits text;
BEGIN
    IF suffix !~ '^[0-7][0-9a-hjkmnp-tv-z]{25}$' THEN
        RETURN NULL;
    END IF;
    SELECT string_agg((strpos('0123456789abcdefghjkmnpqrstvwxyz', c) - 1)::bit(5)::text, '' ORDER BY n) INTO bits
    FROM regexp_split_to_table(suffix, '') WITH ORDINALITY AS letters (c, n);
    RETURN (SELECT string_agg(to_hex(substr(bits, 3 + 4 * n, 4)::bit(4)::int), '' ORDER BY n)
            FROM generate_series(0, 31) n)::uuid;
END $$;

-- The accounts of `codes` exist afterwards, each with its balance rows; a code that means nothing is
-- left out. In order of code, so that those who open the same accounts wait for each other in line.
CREATE OR REPLACE FUNCTION ledger_open_accounts(codes text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    WITH opened AS (
        INSERT INTO ledger_account
            (code, name, family, kind, normal_side, guard, stripes, currency, livemode, merchant_id)
        SELECT wanted.code, part[3] || part[4], k.name, k.kind, k.normal_side, k.guard, k.stripes,
               part[5], part[2] = '', ledger_typeid_uuid(substr(part[1], 6))
        FROM (SELECT DISTINCT unnest(codes) AS code) wanted
        CROSS JOIN regexp_match(wanted.code,
            '^(platform|acct_[0-9a-z]{26})(-test|):([a-z_]+)((?:\.[A-Za-z0-9_-]+)?):([a-z]{3})$') part
        JOIN ledger_account_kind k ON k.name = part[3]
        WHERE part[1] = 'platform' OR ledger_typeid_uuid(substr(part[1], 6)) IS NOT NULL
        ORDER BY wanted.code
        ON CONFLICT (code) DO NOTHING
        RETURNING id, guarded, stripes
    )
    INSERT INTO ledger_balance (account_id, stripe, guarded)
    SELECT id, stripe, guarded FROM opened, generate_series(0, stripes - 1) stripe;
END $$;

-- All effects of the commands, the codes among them that no account has, and whether any is on a hold.
CREATE OR REPLACE FUNCTION ledger_effects(
    cs ledger_command[], OUT effects ledger_effect[], OUT unknown text[], OUT on_holds boolean
)
LANGUAGE plpgsql AS $$
BEGIN
    SELECT array_agg(ROW(
            c.no, f.line, a.id, pg_backend_pid() % a.stripes, f.account, a.currency, a.guarded,
            f.amount, f.amount * a.sign, f.d_held,
            CASE WHEN f.account IS NULL THEN 'hold_not_open'
                 WHEN a.id IS NULL THEN 'unknown_account'
                 WHEN a.livemode <> c.livemode THEN 'account_mode_mismatch'
                 WHEN f.currency <> a.currency THEN 'account_currency_mismatch'
                 WHEN f.line > 1000 AND NOT a.guarded THEN 'account_not_guarded'
                 WHEN f.amount <> 0 OR f.d_held > 0 OR f.line < 0 THEN NULL
                 ELSE 'invalid_amount' END
        )::ledger_effect),
        array_agg(f.account) FILTER (WHERE a.id IS NULL), bool_or(f.line NOT BETWEEN 1 AND 1000)
    INTO effects, unknown, on_holds
    FROM unnest(cs) WITH ORDINALITY AS c (id, kind, booked_on, effective_at, source, sequence, reverses, livemode,
                                          metadata, postings, holds, settles, no)
    CROSS JOIN LATERAL (
        SELECT p.line, p.account, p.currency, p.amount, 0::bigint AS d_held
        FROM ROWS FROM (jsonb_to_recordset(c.postings) AS (account text, amount bigint, currency text))
            WITH ORDINALITY AS p (account, amount, currency, line)
        UNION ALL
        SELECT h.line + 1000, h.account, h.currency, 0, h.amount
        FROM ROWS FROM (jsonb_to_recordset(c.holds) AS (account text, amount bigint, currency text))
            WITH ORDINALITY AS h (account, amount, currency, line)
        UNION ALL
        SELECT -s.line, x.code, NULL, 0, -h.amount
        FROM ROWS FROM (jsonb_to_recordset(c.settles) AS (id uuid)) WITH ORDINALITY AS s (id, line)
        LEFT JOIN ledger_hold h ON h.id = s.id AND h.status = 'open'
        LEFT JOIN ledger_account x ON x.id = h.account_id
    ) f
    LEFT JOIN ledger_account a ON a.code = f.account;
END $$;

-- Writes commands that fit, but for their holds. Raises where a constraint or a rule says otherwise.
CREATE OR REPLACE FUNCTION ledger_write(cs ledger_command[], effects ledger_effect[], running bigint[]) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    WITH entry AS (
        INSERT INTO ledger_entry
            (id, kind, booked_on, effective_at, source, sequence, reverses, livemode, metadata, lines)
        SELECT c.id, c.kind, c.booked_on, c.effective_at, c.source, coalesce(c.sequence, 0), c.reverses, c.livemode,
               coalesce(c.metadata, '{}'), jsonb_array_length(c.postings)
        FROM unnest(cs) c
        WHERE jsonb_array_length(c.postings) > 0
        ORDER BY c.source, c.kind, c.sequence
    )
    INSERT INTO ledger_posting (entry_id, line, booked_on, account_id, currency, amount, balance_after)
    SELECT cs[e.no].id, e.line, cs[e.no].booked_on, e.account_id, e.currency, e.amount,
           CASE WHEN e.guarded THEN e.posted END
    FROM ROWS FROM (unnest(effects), unnest(running))
        AS e (no, line, account_id, stripe, code, currency, guarded, amount, d_posted, d_held, misfit, posted)
    WHERE e.amount <> 0
    ORDER BY e.no, e.line;

    UPDATE ledger_balance b SET posted = b.posted + moved.d_posted, held = b.held + moved.d_held
    FROM (SELECT e.account_id, e.stripe, sum(e.d_posted) AS d_posted, sum(e.d_held) AS d_held
          FROM unnest(effects) e GROUP BY e.account_id, e.stripe) moved
    WHERE b.account_id = moved.account_id AND b.stripe = moved.stripe;
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION ledger_write_holds(cs ledger_command[]) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    resolved int;
BEGIN
    INSERT INTO ledger_hold (id, account_id, amount, kind, source, expires_at)
    SELECT h.id, a.id, h.amount, c.kind, c.source, h.expires_at
    FROM unnest(cs) c
    CROSS JOIN jsonb_to_recordset(c.holds) AS h (id uuid, account text, amount bigint, expires_at timestamptz)
    JOIN ledger_account a ON a.code = h.account;

    UPDATE ledger_hold h
    SET status = s."as", resolved_at = core_now(),
        entry_id = CASE WHEN s."as" = 'posted' AND jsonb_array_length(c.postings) > 0 THEN c.id END
    FROM unnest(cs) c
    CROSS JOIN jsonb_to_recordset(c.settles) AS s (id uuid, "as" text)
    WHERE h.id = s.id AND h.status = 'open';
    GET DIAGNOSTICS resolved = ROW_COUNT;
    IF resolved <> (SELECT count(*) FROM unnest(cs) c, jsonb_array_elements(c.settles)) THEN
        RAISE EXCEPTION 'a hold was resolved before' USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_hold_resolved_once';
    END IF;
    RETURN true;
END $$;

-- Why a command that stands alone was refused, or null where nothing known speaks against it.
CREATE OR REPLACE FUNCTION ledger_refusal(c ledger_command, effects ledger_effect[]) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    culprit record;
BEGIN
    SELECT e.id INTO culprit FROM ledger_entry e
    WHERE e.source = c.source AND e.kind = c.kind AND e.sequence = coalesce(c.sequence, 0);
    IF FOUND THEN
        RETURN jsonb_build_object('error', 'already_posted', 'entry_id', culprit.id);
    END IF;
    SELECT h.id INTO culprit FROM jsonb_to_recordset(c.holds) AS n (id uuid) JOIN ledger_hold h ON h.id = n.id LIMIT 1;
    IF FOUND THEN
        RETURN jsonb_build_object('error', 'already_posted', 'hold_id', culprit.id);
    END IF;
    SELECT e.id INTO culprit FROM ledger_entry e WHERE e.reverses = c.reverses;
    IF FOUND THEN
        RETURN jsonb_build_object('error', 'already_reversed', 'entry_id', culprit.id);
    END IF;
    SELECT e.misfit, e.code INTO culprit FROM unnest(effects) e WHERE e.misfit IS NOT NULL ORDER BY e.line LIMIT 1;
    IF FOUND THEN
        RETURN jsonb_build_object('error', culprit.misfit, 'account', culprit.code);
    END IF;
    PERFORM FROM unnest(effects) e WHERE e.amount <> 0 GROUP BY e.currency HAVING sum(e.amount) <> 0;
    IF FOUND OR cardinality(effects) = 0 OR jsonb_array_length(c.postings) = 1 THEN
        RETURN jsonb_build_object('error', 'unbalanced');
    END IF;
    IF jsonb_array_length(c.postings) > 0 AND NOT ledger_enter_month(c.booked_on) THEN
        RETURN jsonb_build_object('error', 'period_closed', 'month', to_char(c.booked_on, 'YYYY-MM'));
    END IF;
    SELECT min(e.code) AS code, min(b.posted - b.held) AS available INTO culprit
    FROM unnest(effects) e JOIN ledger_balance b ON b.account_id = e.account_id
    WHERE e.guarded
    GROUP BY e.account_id HAVING min(b.posted - b.held) + sum(e.d_posted - e.d_held) < 0
    ORDER BY code LIMIT 1;
    IF FOUND THEN
        RETURN jsonb_build_object('error', 'insufficient_funds', 'account', culprit.code, 'available', culprit.available);
    END IF;
    RETURN NULL;
END $$;

-- The answers of commands that were written: entry, date and the guarded balances after each.
CREATE OR REPLACE FUNCTION ledger_outcomes(cs ledger_command[], effects ledger_effect[], posted bigint[], held bigint[])
RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
        SELECT jsonb_agg(jsonb_build_object('ok', jsonb_build_object(
            'entry_id', CASE WHEN by_command.posts THEN cs[by_command.no].id END,
            'booked_on', cs[by_command.no].booked_on,
            'balances', coalesce(by_command.balances, '{}'))) ORDER BY by_command.no)
        FROM (
            SELECT e.no, bool_or(e.amount <> 0) AS posts,
                   jsonb_object_agg(e.code, jsonb_build_object('posted', e.posted, 'held', e.held) ORDER BY e.line)
                       FILTER (WHERE e.guarded) AS balances
            FROM ROWS FROM (unnest(effects), unnest(posted), unnest(held)) AS e
                (no, line, account_id, stripe, code, currency, guarded, amount, d_posted, d_held, misfit, posted, held)
            GROUP BY e.no
        ) by_command
    );
END $$;

-- Books commands whose months are locked. The balances they touch are locked in order of account
-- before anything is written, and stay so while halves are tried.
CREATE OR REPLACE FUNCTION ledger_book(cs ledger_command[]) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    said record := ledger_effects(cs);
    effects ledger_effect[];
    posted bigint[];
    held bigint[];
    fine boolean;
    refusal jsonb;
    broken text;
    half int := cardinality(cs) / 2;
BEGIN
    IF said.unknown IS NOT NULL THEN
        PERFORM ledger_open_accounts(said.unknown);
        said := ledger_effects(cs);
    END IF;
    effects := said.effects;

    SELECT array_agg(r.posted ORDER BY r.at), array_agg(r.held ORDER BY r.at),
           bool_and(r.misfit IS NULL AND (NOT r.guarded OR r.more OR r.posted >= r.held))
    INTO posted, held, fine
    FROM (
        SELECT l.at, l.misfit, l.guarded, l.posted + sum(l.d_posted) OVER run AS posted, l.held + sum(l.d_held) OVER run AS held,
               coalesce(lead(l.no) OVER run = l.no, false) AS more
        FROM (
            SELECT e.at, e.no, e.line, e.account_id, e.guarded, e.d_posted, e.d_held, e.misfit, b.posted, b.held
            FROM unnest(effects) WITH ORDINALITY AS e
                (no, line, account_id, stripe, code, currency, guarded, amount, d_posted, d_held, misfit, at)
            JOIN ledger_balance b ON b.account_id = e.account_id AND b.stripe = e.stripe
            ORDER BY e.account_id FOR NO KEY UPDATE OF b
        ) l
        WINDOW run AS (PARTITION BY l.account_id ORDER BY l.no, l.line)
    ) r;

    IF fine AND cardinality(posted) = cardinality(effects) THEN
        BEGIN
            fine := ledger_write(cs, effects, posted) AND (NOT said.on_holds OR ledger_write_holds(cs));
            RETURN ledger_outcomes(cs, effects, posted, held);
        EXCEPTION WHEN unique_violation OR check_violation THEN
            broken := SQLERRM;
        END;
    END IF;
    IF cardinality(cs) > 1 THEN
        RETURN ledger_book(cs[: half]) || ledger_book(cs[half + 1 :]);
    END IF;
    -- Looked at again under the locks: a hold may have been settled while they were waited for.
    said := ledger_effects(cs);
    refusal := ledger_refusal(cs[1], coalesce(said.effects, '{}'));
    IF refusal IS NULL THEN
        RAISE EXCEPTION 'command % cannot be booked: %', cs[1].id, broken USING ERRCODE = 'check_violation';
    END IF;
    RETURN jsonb_build_array(refusal);
END $$;

CREATE OR REPLACE FUNCTION ledger_post(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
-- Plans are made once a session and look rows up one by one, whatever the tables looked like then.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET join_collapse_limit = 1
AS $$
DECLARE
    cs ledger_command[] := ARRAY(SELECT c FROM jsonb_populate_recordset(NULL::ledger_command, commands) c);
    today date;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'the ledger is written at READ COMMITTED only' USING ERRCODE = 'invalid_transaction_state';
    END IF;
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
