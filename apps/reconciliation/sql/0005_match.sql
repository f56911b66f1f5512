-- The stages. Each works through the open lines in order of their reference, a chunk of whole references at a time,
-- and commits with what it posts. All candidates of a reference are seen together and only what is unique on both
-- sides is matched, so that the order in which files came does not matter. A chunk is small beside the tables, so its
-- plans are to look rows up by index, however stale the statistics are: hence the settings of the functions.

-- One candidate of a stage. `thing` is our movement or the payout, `test_amount` what of `amount` is test money. Both
-- modes of money are entries of their own; a mode that has none has no entry id.
CREATE TYPE recon_pair AS (
    group_id uuid,
    line_id uuid,
    file_date date,
    file_id uuid,
    number bigint,
    ledger_name text,
    kind text,
    nref text,
    booked_on date,
    currency text,
    amount bigint,
    fee bigint,
    thing uuid,
    livemode boolean,
    test_amount bigint,
    generation int,
    live_entry uuid,
    test_entry uuid
);

-- One matcher at a time. 1380270926 is 'RECN'.
CREATE OR REPLACE FUNCTION recon_lock_matching() RETURNS void
LANGUAGE sql AS $$ SELECT pg_advisory_xact_lock(1380270926, 1) $$;

-- The last reference of the chunk that begins after `after` (null: at the beginning) and holds about `size` lines.
CREATE OR REPLACE FUNCTION recon_chunk_end(in_hop text, after text, size int) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT max(nref) FROM (
        SELECT nref FROM recon_open_line WHERE hop = in_hop AND (after IS NULL OR nref > after) ORDER BY nref LIMIT size
    ) chunk
$$;

-- The postings of a command: `sums` are the debits of `names`, where they move anything.
CREATE OR REPLACE FUNCTION recon_postings(livemode boolean, currency text, names text[], sums bigint[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    scope text := CASE WHEN livemode THEN 'platform:' ELSE 'platform-test:' END;
    postings jsonb := '[]';
BEGIN
    FOR n IN 1 .. cardinality(names) LOOP
        IF sums[n] <> 0 THEN
            postings := postings || jsonb_build_object('account', scope || names[n] || ':' || currency, 'amount', sums[n]);
        END IF;
    END LOOP;
    RETURN postings;
END $$;

-- Posts, on the day of the line; where that day's month is shut, on today. Returns what the ledger refused, line →
-- error code. A match is taken whole or not at all.
CREATE OR REPLACE FUNCTION recon_book(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    outcomes jsonb := recon_post_when_open(commands);
    refused jsonb;
BEGIN
    SELECT coalesce(jsonb_object_agg(z.command #>> '{metadata,line}', z.outcome ->> 'error'), '{}') INTO refused
    FROM ROWS FROM (jsonb_array_elements(commands), jsonb_array_elements(outcomes)) z (command, outcome)
    WHERE NOT z.outcome ? 'ok';
    IF refused <> '{}' THEN
        PERFORM FROM ROWS FROM (jsonb_array_elements(commands), jsonb_array_elements(outcomes)) z (command, outcome)
        WHERE z.outcome ? 'ok' AND refused ? (z.command #>> '{metadata,line}');
        IF FOUND THEN
            RAISE EXCEPTION 'the ledger took only a part of a match: %', refused USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN refused;
END $$;

CREATE OR REPLACE FUNCTION recon_post_when_open(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    outcomes jsonb := ledger_post(commands);
    shut int[];
    again jsonb;
BEGIN
    SELECT array_agg(n::int - 1 ORDER BY n) INTO shut
    FROM jsonb_array_elements(outcomes) WITH ORDINALITY o (outcome, n) WHERE outcome ->> 'error' = 'period_closed';
    IF shut IS NOT NULL THEN
        again := ledger_post((SELECT jsonb_agg((commands -> n) || '{"booked_on": null}' ORDER BY n) FROM unnest(shut) n));
        FOR nth IN 1 .. cardinality(shut) LOOP
            outcomes := jsonb_set(outcomes, ARRAY[shut[nth]::text], again -> (nth - 1));
        END LOOP;
    END IF;
    RETURN outcomes;
END $$;

-- Takes groups back: their entries are reversed, their lines open again.
CREATE OR REPLACE FUNCTION recon_reverse(groups uuid[], reason text, actor text) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    commands jsonb;
    outcomes jsonb;
    now_at timestamptz := core_now();
BEGIN
    IF coalesce(cardinality(groups), 0) = 0 THEN
        RETURN 0;
    END IF;
    SELECT jsonb_agg(jsonb_build_object('id', uuidv7(), 'kind', e.kind || '_reversal', 'source', e.source, 'sequence', e.sequence,
               'reverses', e.id, 'booked_on', NULL, 'livemode', e.livemode, 'metadata', jsonb_build_object('match', g.id, 'reason', reason),
               'postings', (SELECT jsonb_agg(jsonb_build_object('account', a.code, 'amount', -p.amount) ORDER BY p.line)
                            FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
                            WHERE p.entry_id = e.id AND p.booked_on = e.booked_on)) ORDER BY e.id)
    INTO commands
    FROM recon_match_group g JOIN ledger_entry e ON e.id = ANY (g.entry_ids)
    WHERE g.id = ANY (groups);
    outcomes := ledger_post(commands);
    IF jsonb_path_exists(outcomes, '$[*].error') THEN
        RAISE EXCEPTION 'a match cannot be reversed: %', jsonb_path_query_first(outcomes, '$[*].error') USING ERRCODE = 'check_violation';
    END IF;

    UPDATE recon_match_group g
    SET status = 'reversed', reversed_at = now_at, reversed_by = actor, reversal_reason = reason,
        entry_ids = g.entry_ids || ARRAY(SELECT (c ->> 'id')::uuid FROM jsonb_array_elements(commands) c
                                         WHERE (c #>> '{metadata,match}')::uuid = g.id)
    WHERE g.id = ANY (groups);
    UPDATE recon_match_leg SET active = false WHERE group_id = ANY (groups);
    -- The search for what is overdue may have passed these movements already.
    INSERT INTO recon_watched (attempt_id) SELECT l.movement_id FROM recon_match_leg l
    WHERE l.group_id = ANY (groups) AND l.movement_id <= (SELECT swept_to FROM recon_sweep WHERE name = 'movements')
    ON CONFLICT DO NOTHING;
    UPDATE recon_payout SET group_id = NULL, matched_amount = NULL WHERE group_id = ANY (groups);
    INSERT INTO recon_open_line
        (line_id, file_date, file_id, number, source, ledger_name, hop, kind, nref, attempt_id, booked_on, currency, amount, fee)
    SELECT o.line_id, o.file_date, o.file_id, o.number, o.source, o.ledger_name, o.hop, o.kind, o.nref, o.attempt_id,
           o.booked_on, o.currency, o.amount, o.fee
    FROM recon_match_leg l JOIN recon_openable o ON o.line_id = l.line_id AND o.file_date = l.file_date
    WHERE l.group_id = ANY (groups) AND l.side = 'A';
    RETURN cardinality(groups);
END $$;

-- Writes a group for each pair whose line is not in `refused`. Those lines are no longer open, and breaks about them
-- or about our side of them are resolved. Returns how many.
CREATE OR REPLACE FUNCTION recon_write_groups(candidates recon_pair[], refused jsonb, in_hop text, in_stage text, in_version int, actor text)
RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    pairs recon_pair[] := candidates;
    now_at timestamptz := core_now();
BEGIN
    IF refused <> '{}' THEN
        pairs := ARRAY(SELECT p FROM unnest(candidates) p WHERE NOT refused ? p.line_id::text);
    END IF;
    INSERT INTO recon_match_group
        (id, hop, stage, rule_version, status, currency, amount, adjustment, explanation, entry_ids, generation, created_at, created_by)
    SELECT p.group_id, in_hop, in_stage, in_version, 'active', p.currency, p.amount, 0,
           jsonb_build_object('reference', jsonb_build_array(p.nref, p.nref), 'currency', jsonb_build_array(p.currency, p.currency),
               'amount', jsonb_build_array(p.amount, p.amount), 'kind', jsonb_build_array(p.kind, p.kind), 'difference', 0,
               'tolerance', 0, 'rivals', 0, 'fee', p.fee, 'file', p.file_id, 'line', p.number),
           array_remove(ARRAY[p.live_entry, p.test_entry], NULL), p.generation, now_at, actor
    FROM unnest(pairs) p;

    INSERT INTO recon_match_leg (group_id, leg_no, hop, side, line_id, file_date, movement_id, payout_id, amount, active)
    SELECT p.group_id, 1, in_hop, 'A', p.line_id, p.file_date, NULL, NULL, p.amount, true FROM unnest(pairs) p
    UNION ALL
    SELECT p.group_id, 2, in_hop, 'B', NULL, NULL, CASE in_hop WHEN 'settlement' THEN p.thing END,
           CASE in_hop WHEN 'bank' THEN p.thing END, p.amount, true FROM unnest(pairs) p;
    IF in_hop = 'bank' THEN
        UPDATE recon_payout o SET group_id = p.group_id, matched_amount = p.amount FROM unnest(pairs) p WHERE o.id = p.thing;
    END IF;

    DELETE FROM recon_open_line o USING unnest(pairs) p WHERE o.line_id = p.line_id;
    UPDATE recon_break b SET state = 'resolved', resolved_at = now_at, group_id = p.group_id
    FROM unnest(pairs) p WHERE b.state = 'open' AND b.subject = 'line' AND b.subject_id = p.line_id;
    UPDATE recon_break b SET state = 'resolved', resolved_at = now_at, group_id = p.group_id
    FROM unnest(pairs) p
    WHERE b.state = 'open' AND b.subject = CASE in_hop WHEN 'bank' THEN 'payout' ELSE 'movement' END AND b.subject_id = p.thing;
    RETURN cardinality(pairs);
END $$;

-- Stage "exact reference": a settlement line and the capture or refund of ours that its reference names, where kind,
-- currency and amount are equal and no other open line says the same.
CREATE OR REPLACE FUNCTION recon_match_settlement(after text, size int, actor text) RETURNS jsonb
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    upto text;
    pairs recon_pair[];
    reversed int;
    looked int;
    made int := 0;
    refused jsonb := '{}';
    today date := core_today();
BEGIN
    PERFORM recon_lock_matching();
    upto := recon_chunk_end('settlement', after, size);
    IF upto IS NULL THEN
        RETURN '{"last": null}';
    END IF;
    reversed := recon_reverse(recon_contested_movements(after, upto), 'another line says the same', actor);
    SELECT count(*) INTO looked FROM recon_open_line o WHERE o.hop = 'settlement' AND (after IS NULL OR o.nref > after) AND o.nref <= upto;

    SELECT array_agg(ROW(uuidv7(), c.line_id, c.file_date, c.file_id, c.number, c.ledger_name, c.kind, c.nref,
               least(c.booked_on, today), c.currency, c.amount, c.fee, c.movement_id, c.livemode, 0,
               (SELECT count(*) FROM recon_match_leg l WHERE l.line_id = c.line_id),
               CASE WHEN c.livemode THEN uuidv7() END, CASE WHEN NOT c.livemode THEN uuidv7() END)::recon_pair ORDER BY c.nref, c.line_id)
    INTO pairs
    FROM (
        SELECT o.*, m.movement_id, m.livemode, count(*) OVER (PARTITION BY m.movement_id) AS rivals
        FROM recon_open_line o
        JOIN recon_ours m ON m.movement_id = o.attempt_id AND m.kind = o.kind AND m.currency = o.currency AND m.amount = o.amount
        WHERE o.hop = 'settlement' AND (after IS NULL OR o.nref > after) AND o.nref <= upto
    ) c
    WHERE c.rivals = 1
      AND NOT EXISTS (SELECT FROM recon_match_leg l WHERE l.movement_id = c.movement_id AND l.hop = 'settlement' AND l.active);

    IF pairs IS NOT NULL THEN
        refused := recon_book((
            SELECT jsonb_agg(jsonb_build_object('id', coalesce(p.live_entry, p.test_entry), 'kind', 'settlement',
                       'source', 'lin_' || p.line_id, 'sequence', p.generation, 'booked_on', p.booked_on, 'livemode', p.livemode,
                       'metadata', jsonb_build_object('match', p.group_id, 'line', p.line_id, 'attempt', p.thing),
                       'postings', recon_postings(p.livemode, p.currency, ARRAY['in_transit', 'gateway_fees', p.ledger_name],
                                                  ARRAY[p.amount - p.fee, p.fee, -p.amount])))
            FROM unnest(pairs) p));
        made := recon_write_groups(pairs, refused, 'settlement', 'exact_reference', 1, actor);
    END IF;
    RETURN jsonb_build_object('last', upto, 'looked', looked, 'groups', made, 'reversed', reversed,
        'breaks', recon_diagnose_settlement(after, upto, refused));
END $$;

-- The matched groups of movements that another open line of the chunk claims in the same words.
CREATE OR REPLACE FUNCTION recon_contested_movements(after text, upto text) RETURNS uuid[]
LANGUAGE sql STABLE AS $$
    SELECT array_agg(DISTINCT g.id)
    FROM recon_open_line o
    JOIN recon_match_leg l ON l.movement_id = o.attempt_id AND l.hop = 'settlement' AND l.active AND l.amount = o.amount
    JOIN recon_match_group g ON g.id = l.group_id AND g.currency = o.currency AND g.explanation #>> '{kind,0}' = o.kind
    WHERE o.hop = 'settlement' AND (after IS NULL OR o.nref > after) AND o.nref <= upto
$$;

-- Stage "payout total": a bank line and the payout that its reference names, where the bank's amount is the sum of the
-- payout's lines and no other open line says the same. Live and test money of one payout are booked apart.
CREATE OR REPLACE FUNCTION recon_match_bank(after text, size int, actor text) RETURNS jsonb
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    upto text;
    pairs recon_pair[];
    reversed int;
    looked int;
    made int := 0;
    refused jsonb := '{}';
    today date := core_today();
BEGIN
    PERFORM recon_lock_matching();
    upto := recon_chunk_end('bank', after, size);
    IF upto IS NULL THEN
        RETURN '{"last": null}';
    END IF;
    reversed := recon_reverse(recon_contested_payouts(after, upto), 'another line says the same', actor);
    SELECT count(*) INTO looked FROM recon_open_line o WHERE o.hop = 'bank' AND (after IS NULL OR o.nref > after) AND o.nref <= upto;

    SELECT array_agg(ROW(uuidv7(), c.line_id, c.file_date, c.file_id, c.number, c.ledger_name, c.kind, c.nref,
               least(c.booked_on, today), c.currency, c.amount, 0, c.payout_id, true, c.test_amount,
               (SELECT count(*) FROM recon_match_leg l WHERE l.line_id = c.line_id),
               CASE WHEN c.amount <> c.test_amount THEN uuidv7() END,
               CASE WHEN c.test_amount <> 0 THEN uuidv7() END)::recon_pair ORDER BY c.nref, c.line_id)
    INTO pairs
    FROM (
        SELECT o.*, p.id AS payout_id, p.test_amount, count(*) OVER (PARTITION BY p.id) AS lines, count(*) OVER (PARTITION BY o.line_id) AS payouts
        FROM recon_open_line o
        JOIN recon_payout p ON p.nref = o.nref AND p.currency = o.currency AND p.amount = o.amount AND p.group_id IS NULL
        WHERE o.hop = 'bank' AND (after IS NULL OR o.nref > after) AND o.nref <= upto AND o.kind IN ('credit', 'debit') AND o.amount <> 0
    ) c
    WHERE c.lines = 1 AND c.payouts = 1;

    IF pairs IS NOT NULL THEN
        refused := recon_book((
            SELECT jsonb_agg(jsonb_build_object('id', mode.entry, 'kind', 'bank_receipt', 'source', 'lin_' || p.line_id,
                       'sequence', 2 * p.generation + (NOT mode.livemode)::int, 'booked_on', p.booked_on, 'livemode', mode.livemode,
                       'metadata', jsonb_build_object('match', p.group_id, 'line', p.line_id, 'payout', p.thing),
                       'postings', recon_postings(mode.livemode, p.currency, ARRAY[p.ledger_name, 'in_transit'],
                                                  ARRAY[mode.sum, -mode.sum])))
            FROM unnest(pairs) p
            CROSS JOIN LATERAL (VALUES (true, p.live_entry, p.amount - p.test_amount), (false, p.test_entry, p.test_amount))
                mode (livemode, entry, sum)
            WHERE mode.entry IS NOT NULL));
        made := recon_write_groups(pairs, refused, 'bank', 'payout_total', 1, actor);
    END IF;
    RETURN jsonb_build_object('last', upto, 'looked', looked, 'groups', made, 'reversed', reversed,
        'breaks', recon_diagnose_bank(after, upto, refused));
END $$;

-- The matched groups of payouts that another open line of the chunk claims as well.
CREATE OR REPLACE FUNCTION recon_contested_payouts(after text, upto text) RETURNS uuid[]
LANGUAGE sql STABLE AS $$
    SELECT array_agg(DISTINCT p.group_id)
    FROM recon_open_line o
    JOIN recon_payout p ON p.nref = o.nref AND p.currency = o.currency AND p.amount = o.amount
    WHERE p.group_id IS NOT NULL AND o.hop = 'bank' AND o.kind IN ('credit', 'debit')
      AND (after IS NULL OR o.nref > after) AND o.nref <= upto
$$;

-- Takes back the bank lines of payouts that a later file added to: they are looked at again. Returns how many.
CREATE OR REPLACE FUNCTION recon_reverse_changed_payouts(actor text) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    p recon_payout;
    made int := 0;
BEGIN
    PERFORM recon_lock_matching();
    FOR p IN SELECT * FROM recon_payout c WHERE c.group_id IS NOT NULL AND c.matched_amount <> c.amount ORDER BY c.id LOOP
        BEGIN
            made := made + recon_reverse(ARRAY[p.group_id], 'the payout changed', actor);
        EXCEPTION WHEN check_violation THEN
            PERFORM recon_open_breaks(ARRAY[ROW('posting_refused', 'payout', p.id, p.currency, p.amount, p.last_on,
                jsonb_build_object('refused', SQLERRM, 'payout', p.reference))::recon_found]);
        END;
    END LOOP;
    RETURN made;
END $$;
