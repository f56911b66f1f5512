-- `ledger_post(commands)`: the one door through which money is booked.
--
-- Many commands in, one outcome each out, in their order; one that is refused changes nothing and the
-- later ones do not see it. The steps, and with them the order of all locks: months (shared, oldest
-- first), accounts opened on first use (by code), balances (by account id), then the writes. Everyone
-- takes them in that order, so two posters never wait for each other in a circle.

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
-- left out. In order of code, so that two who open the same accounts wait for each other in one line.
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
        RETURNING id, guard, stripes
    )
    INSERT INTO ledger_balance (account_id, stripe, guarded)
    SELECT id, stripe, guard = 'no_overdraft' FROM opened, generate_series(0, stripes - 1) stripe;
END $$;

-- What a command does to one account. Roles, in the order in which they count within a command:
-- 1 settles a hold, 2 posts, 3 holds. `d_posted` and `d_held` are what the balance gains.
CREATE TYPE ledger_effect AS (
    role int,
    line int,
    code text,
    account_id uuid,
    currency text,
    guarded boolean,
    stripe int,
    amount bigint,
    d_posted bigint,
    d_held bigint,
    hold_id uuid,
    settle_as text,
    expires_at timestamptz,
    misfit text
);

-- Every effect of one command, with what speaks against it whatever the balances are.
CREATE OR REPLACE FUNCTION ledger_effects(c jsonb) RETURNS ledger_effect[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        SELECT ROW(f.role, f.line, f.account, a.id, a.currency, a.guarded, pg_backend_pid() % a.stripes, f.amount,
            CASE WHEN f.role = 2 THEN f.amount * a.sign ELSE 0 END, f.d_held, f.hold_id, f.settle_as, f.expires_at,
            CASE WHEN f.role = 1 AND f.hold_status IS DISTINCT FROM 'open' THEN 'hold_not_open'
                 WHEN f.role = 3 AND f.hold_status IS NOT NULL THEN 'already_posted'
                 WHEN a.id IS NULL THEN 'unknown_account'
                 WHEN a.livemode <> (c ->> 'livemode')::boolean THEN 'account_mode_mismatch'
                 WHEN f.said_currency <> a.currency THEN 'account_currency_mismatch'
                 WHEN f.role = 3 AND NOT a.guarded THEN 'account_not_guarded'
                 WHEN f.role = 1 AND f.settle_as NOT IN ('posted', 'released', 'expired') THEN 'hold_not_open'
                 WHEN f.amount IS NULL OR f.amount = 0 OR (f.role = 3 AND f.amount < 0) THEN 'invalid_amount' END
        )::ledger_effect
        FROM (
            SELECT 2 AS role, p.n AS line, p.p ->> 'account' AS account, p.p ->> 'currency' AS said_currency,
                   (p.p ->> 'amount')::bigint AS amount, 0::bigint AS d_held, NULL::uuid AS hold_id, NULL AS settle_as,
                   NULL::timestamptz AS expires_at, NULL AS hold_status
            FROM jsonb_array_elements(nullif(c -> 'postings', 'null')) WITH ORDINALITY AS p (p, n)
            UNION ALL
            SELECT 3, h.n, h.h ->> 'account', h.h ->> 'currency', (h.h ->> 'amount')::bigint, (h.h ->> 'amount')::bigint,
                   (h.h ->> 'id')::uuid, NULL, (h.h ->> 'expires_at')::timestamptz, x.status
            FROM jsonb_array_elements(nullif(c -> 'holds', 'null')) WITH ORDINALITY AS h (h, n)
            LEFT JOIN ledger_hold x ON x.id = (h.h ->> 'id')::uuid
            UNION ALL
            SELECT 1, s.n, o.code, NULL, x.amount, -x.amount, (s.s ->> 'id')::uuid, s.s ->> 'as', NULL, x.status
            FROM jsonb_array_elements(nullif(c -> 'settles', 'null')) WITH ORDINALITY AS s (s, n)
            LEFT JOIN ledger_hold x ON x.id = (s.s ->> 'id')::uuid
            LEFT JOIN ledger_account o ON o.id = x.account_id
        ) f
        LEFT JOIN ledger_account a ON a.code = f.account
        ORDER BY f.role, f.line);
END $$;

-- The accounts that the commands name are open; the months they book into are shared; the balances
-- they touch are locked, in order of account. Returns the days that are shut.
CREATE OR REPLACE FUNCTION ledger_prepare(commands jsonb, today date) RETURNS date[]
LANGUAGE plpgsql AS $$
DECLARE
    named text[] := ARRAY(SELECT DISTINCT n #>> '{}' FROM jsonb_path_query(commands, '$[*].*[*].account') n);
    held uuid[] := ARRAY(SELECT (n #>> '{}')::uuid FROM jsonb_path_query(commands, '$[*].settles[*].id') n);
    shut date[] := '{}';
    day date;
BEGIN
    FOR day IN SELECT DISTINCT coalesce((c ->> 'booked_on')::date, today) FROM jsonb_array_elements(commands) c ORDER BY 1 LOOP
        IF NOT ledger_enter_month(day) THEN
            shut := shut || day;
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM unnest(named) n WHERE NOT EXISTS (SELECT FROM ledger_account a WHERE a.code = n)) THEN
        PERFORM ledger_open_accounts(named);
    END IF;
    PERFORM b.account_id
    FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id AND b.stripe = pg_backend_pid() % a.stripes
    WHERE a.code = ANY (named) OR a.id IN (SELECT h.account_id FROM ledger_hold h WHERE h.id = ANY (held))
    ORDER BY b.account_id FOR NO KEY UPDATE OF b;
    RETURN shut;
END $$;

-- Why a command is refused before any balance is looked at, or null.
CREATE OR REPLACE FUNCTION ledger_objection(c jsonb, day date, effects ledger_effect[], shut date[]) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
    known uuid;
    e ledger_effect;
    lines int := coalesce(jsonb_array_length(nullif(c -> 'postings', 'null')), 0);
BEGIN
    SELECT id INTO known FROM ledger_entry
    WHERE source = c ->> 'source' AND kind = c ->> 'kind' AND sequence = coalesce((c ->> 'sequence')::int, 0);
    IF FOUND AND lines > 0 THEN
        RETURN jsonb_build_object('error', 'already_posted', 'entry_id', known);
    END IF;
    FOREACH e IN ARRAY effects LOOP
        IF e.misfit IS NOT NULL THEN
            RETURN jsonb_build_object('error', e.misfit, 'account', e.code);
        END IF;
    END LOOP;
    IF cardinality(effects) = 0 OR lines = 1 OR EXISTS (
        SELECT FROM unnest(effects) x WHERE x.role = 2 GROUP BY x.currency HAVING sum(x.amount) <> 0) THEN
        RETURN '{"error": "unbalanced"}';
    ELSIF lines > 0 AND day = ANY (shut) THEN
        RETURN jsonb_build_object('error', 'period_closed', 'month', to_char(day, 'YYYY-MM'));
    END IF;
    RETURN NULL;
END $$;

-- The guarded accounts that the effects would leave below zero, or null.
CREATE OR REPLACE FUNCTION ledger_overdraft(effects ledger_effect[]) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
    short record;
BEGIN
    SELECT x.code, b.posted - b.held AS available, sum(x.d_posted - x.d_held) AS change INTO short
    FROM unnest(effects) x JOIN ledger_balance b ON b.account_id = x.account_id AND b.stripe = 0
    WHERE x.guarded
    GROUP BY x.code, b.posted, b.held
    HAVING b.posted - b.held + sum(x.d_posted - x.d_held) < 0
    ORDER BY x.code LIMIT 1;
    RETURN CASE WHEN FOUND THEN jsonb_build_object('error', 'insufficient_funds', 'account', short.code, 'available', short.available) END;
END $$;

-- The command is written: entry, postings, holds, balances. Returns the guarded balances after it.
CREATE OR REPLACE FUNCTION ledger_write(c jsonb, day date, effects ledger_effect[]) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    entry uuid := CASE WHEN jsonb_array_length(nullif(c -> 'postings', 'null')) > 0 THEN (c ->> 'id')::uuid END;
    balances jsonb;
BEGIN
    IF entry IS NOT NULL THEN
        INSERT INTO ledger_entry (id, kind, booked_on, effective_at, source, sequence, reverses, livemode, metadata, lines)
        VALUES (entry, c ->> 'kind', day, (c ->> 'effective_at')::timestamptz, c ->> 'source', coalesce((c ->> 'sequence')::int, 0),
            (c ->> 'reverses')::uuid, (c ->> 'livemode')::boolean, coalesce(nullif(c -> 'metadata', 'null'), '{}'),
            jsonb_array_length(c -> 'postings'));
        INSERT INTO ledger_posting (entry_id, line, booked_on, account_id, currency, amount, balance_after)
        SELECT entry, x.line, day, x.account_id, x.currency, x.amount,
            CASE WHEN x.guarded THEN b.posted + sum(x.d_posted) OVER (PARTITION BY x.account_id ORDER BY x.line) END
        FROM unnest(effects) x JOIN ledger_balance b ON b.account_id = x.account_id AND b.stripe = x.stripe
        WHERE x.role = 2 ORDER BY x.line;
    END IF;
    INSERT INTO ledger_hold (id, account_id, amount, kind, source, expires_at)
    SELECT x.hold_id, x.account_id, x.amount, c ->> 'kind', c ->> 'source', x.expires_at FROM unnest(effects) x WHERE x.role = 3;
    UPDATE ledger_hold h SET status = x.settle_as, resolved_at = core_now(), entry_id = CASE WHEN x.settle_as = 'posted' THEN entry END
    FROM unnest(effects) x WHERE x.role = 1 AND h.id = x.hold_id;
    WITH moved AS (
        UPDATE ledger_balance b SET posted = b.posted + u.d_posted, held = b.held + u.d_held
        FROM (SELECT x.account_id, x.stripe, x.code, sum(x.d_posted) AS d_posted, sum(x.d_held) AS d_held
              FROM unnest(effects) x GROUP BY x.account_id, x.stripe, x.code) u
        WHERE b.account_id = u.account_id AND b.stripe = u.stripe
        RETURNING u.code, b.guarded, b.posted, b.held
    )
    SELECT coalesce(jsonb_object_agg(code, jsonb_build_object('posted', posted, 'held', held)) FILTER (WHERE guarded), '{}')
    INTO balances FROM moved;
    RETURN jsonb_build_object('ok', jsonb_build_object('entry_id', entry, 'booked_on', day, 'balances', balances));
END $$;

CREATE OR REPLACE FUNCTION ledger_post(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    today date := core_today();
    shut date[] := ledger_prepare(commands, today);
    outcomes jsonb := '[]';
    c jsonb;
    day date;
    effects ledger_effect[];
BEGIN
    FOR c IN SELECT e FROM jsonb_array_elements(commands) WITH ORDINALITY AS e (e, n) ORDER BY n LOOP
        day := coalesce((c ->> 'booked_on')::date, today);
        effects := ledger_effects(c);
        outcomes := outcomes || coalesce(ledger_objection(c, day, effects, shut), ledger_overdraft(effects), ledger_write(c, day, effects));
    END LOOP;
    RETURN outcomes;
END $$;
