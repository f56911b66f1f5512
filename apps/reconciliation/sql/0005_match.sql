-- The stages. Each works through the open lines in order of their reference, a chunk of whole references at a time,
-- and commits with what it posts. All candidates of a reference are seen together and only what is unique on both
-- sides is matched, so that the order in which files came does not matter.

-- One candidate of a stage. `thing` is our movement or the payout, `test_amount` what of `amount` is test money.
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
    generation int
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

CREATE OR REPLACE FUNCTION recon_scope(livemode boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN livemode THEN 'platform' ELSE 'platform-test' END;

-- A ledger command: `sums` is name → debit. Names that move nothing are left out.
CREATE OR REPLACE FUNCTION recon_command(
    of_kind text, line_id uuid, sequence int, booked_on date, livemode boolean, currency text, sums jsonb, metadata jsonb
) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'id', uuidv7(), 'kind', of_kind, 'source', 'lin_' || replace(line_id::text, '-', ''), 'sequence', sequence,
        'booked_on', booked_on, 'livemode', livemode, 'metadata', metadata,
        'postings', (SELECT jsonb_agg(jsonb_build_object('account', recon_scope(livemode) || ':' || s.key || ':' || currency,
                                                         'amount', s.value::bigint) ORDER BY s.key)
                     FROM jsonb_each_text(sums) s WHERE s.value::bigint <> 0))
$$;

-- Posts, on the day of the line; where that day's month is shut, on today. `entries` is match → entry ids of the
-- matches that the ledger took, `refused` line → error code of the others. A match is taken whole or not at all.
CREATE OR REPLACE FUNCTION recon_book(commands jsonb, OUT entries jsonb, OUT refused jsonb)
LANGUAGE plpgsql AS $$
DECLARE
    outcomes jsonb := recon_post_when_open(commands);
    mixed boolean;
BEGIN
    SELECT coalesce(jsonb_object_agg(match, ids) FILTER (WHERE took), '{}'),
           coalesce(jsonb_object_agg(line, error) FILTER (WHERE NOT took), '{}'),
           bool_or(NOT took AND cardinality(array_remove(given, NULL)) > 0)
    INTO entries, refused, mixed
    FROM (
        SELECT c.command #>> '{metadata,match}' AS match, min(c.command #>> '{metadata,line}') AS line,
               bool_and(o.outcome ? 'ok') AS took, min(o.outcome ->> 'error') AS error,
               jsonb_agg(o.outcome #> '{ok,entry_id}') AS ids, array_agg(o.outcome #>> '{ok,entry_id}') AS given
        FROM jsonb_array_elements(commands) WITH ORDINALITY c (command, n)
        JOIN jsonb_array_elements(outcomes) WITH ORDINALITY o (outcome, n) USING (n)
        GROUP BY 1
    ) per_match;
    IF mixed THEN
        RAISE EXCEPTION 'the ledger took only a part of a match: %', refused;
    END IF;
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
        RAISE EXCEPTION 'a match cannot be reversed: %', jsonb_path_query_first(outcomes, '$[*].error');
    END IF;

    UPDATE recon_match_group g
    SET status = 'reversed', reversed_at = clock_timestamp(), reversed_by = actor, reversal_reason = reason,
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

-- Writes the groups of those pairs that `entries` (match → entry ids) has. Their lines are no longer open, and breaks
-- about them or our side of them are resolved. Returns how many.
CREATE OR REPLACE FUNCTION recon_write_groups(pairs recon_pair[], entries jsonb, in_hop text, in_stage text, in_version int, actor text)
RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    made int;
BEGIN
    INSERT INTO recon_match_group
        (id, hop, stage, rule_version, status, currency, amount, adjustment, explanation, entry_ids, generation, created_by)
    SELECT p.group_id, in_hop, in_stage, in_version, 'active', p.currency, p.amount, 0,
           jsonb_build_object('reference', jsonb_build_array(p.nref, p.nref), 'currency', jsonb_build_array(p.currency, p.currency),
               'amount', jsonb_build_array(p.amount, p.amount), 'kind', jsonb_build_array(p.kind, p.kind), 'difference', 0,
               'tolerance', 0, 'rivals', 0, 'fee', p.fee, 'file', p.file_id, 'line', p.number),
           ARRAY(SELECT jsonb_array_elements_text(e.value)::uuid), p.generation, actor
    FROM unnest(pairs) p JOIN jsonb_each(entries) e ON e.key = p.group_id::text;
    GET DIAGNOSTICS made = ROW_COUNT;

    INSERT INTO recon_match_leg (group_id, leg_no, hop, side, line_id, file_date, movement_id, payout_id, amount, active)
    SELECT p.group_id, leg_no, in_hop, CASE leg_no WHEN 1 THEN 'A' ELSE 'B' END,
           CASE leg_no WHEN 1 THEN p.line_id END, CASE leg_no WHEN 1 THEN p.file_date END,
           CASE WHEN leg_no = 2 AND in_hop = 'settlement' THEN p.thing END,
           CASE WHEN leg_no = 2 AND in_hop = 'bank' THEN p.thing END, p.amount, true
    FROM unnest(pairs) p JOIN recon_match_group g ON g.id = p.group_id CROSS JOIN generate_series(1, 2) leg_no;

    DELETE FROM recon_open_line o USING unnest(pairs) p JOIN recon_match_group g ON g.id = p.group_id WHERE o.line_id = p.line_id;
    UPDATE recon_break b SET state = 'resolved', resolved_at = clock_timestamp(), group_id = p.group_id
    FROM unnest(pairs) p JOIN recon_match_group g ON g.id = p.group_id
    WHERE b.state = 'open' AND ((b.subject = 'line' AND b.subject_id = p.line_id)
        OR (b.subject = CASE in_hop WHEN 'bank' THEN 'payout' ELSE 'movement' END AND b.subject_id = p.thing));
    RETURN made;
END $$;

-- Stage "exact reference": a settlement line and the capture or refund of ours that its reference names, where kind,
-- currency and amount are equal and no other open line says the same.
CREATE OR REPLACE FUNCTION recon_match_settlement(after text, size int, actor text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    upto text;
    pairs recon_pair[];
    reversed int;
    looked int;
    booked record;
    made int := 0;
    refused jsonb := '{}';
BEGIN
    PERFORM recon_lock_matching();
    upto := recon_chunk_end('settlement', after, size);
    IF upto IS NULL THEN
        RETURN '{"last": null}';
    END IF;
    reversed := recon_reverse(recon_contested_movements(after, upto), 'another line says the same', actor);
    SELECT count(*) INTO looked FROM recon_open_line o WHERE o.hop = 'settlement' AND (after IS NULL OR o.nref > after) AND o.nref <= upto;

    SELECT array_agg(ROW(uuidv7(), c.line_id, c.file_date, c.file_id, c.number, c.ledger_name, c.kind, c.nref,
               least(c.booked_on, core_today()), c.currency, c.amount, c.fee, c.movement_id, c.livemode, 0,
               (SELECT count(*) FROM recon_match_leg l WHERE l.line_id = c.line_id))::recon_pair ORDER BY c.nref, c.line_id)
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
        SELECT * INTO booked FROM recon_book((
            SELECT jsonb_agg(recon_command('settlement', p.line_id, p.generation, p.booked_on, p.livemode, p.currency,
                       jsonb_build_object('in_transit', p.amount - p.fee, 'gateway_fees', p.fee, p.ledger_name, -p.amount),
                       jsonb_build_object('match', p.group_id, 'line', p.line_id, 'attempt', p.thing)) ORDER BY ordinality)
            FROM unnest(pairs) WITH ORDINALITY p));
        made := recon_write_groups(pairs, booked.entries, 'settlement', 'exact_reference', 1, actor);
        refused := booked.refused;
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
LANGUAGE plpgsql AS $$
DECLARE
    upto text;
    pairs recon_pair[];
    reversed int;
    looked int;
    booked record;
    made int := 0;
    refused jsonb := '{}';
BEGIN
    PERFORM recon_lock_matching();
    IF after IS NULL THEN
        -- A later file added to a payout that the bank had paid: it must be looked at again.
        reversed := recon_reverse(ARRAY(SELECT p.group_id FROM recon_payout p
                                        WHERE p.group_id IS NOT NULL AND p.matched_amount <> p.amount), 'the payout changed', actor);
    END IF;
    upto := recon_chunk_end('bank', after, size);
    IF upto IS NULL THEN
        RETURN '{"last": null}';
    END IF;
    reversed := coalesce(reversed, 0) + recon_reverse(recon_contested_payouts(after, upto), 'another line says the same', actor);
    SELECT count(*) INTO looked FROM recon_open_line o WHERE o.hop = 'bank' AND (after IS NULL OR o.nref > after) AND o.nref <= upto;

    SELECT array_agg(ROW(uuidv7(), c.line_id, c.file_date, c.file_id, c.number, c.ledger_name, c.kind, c.nref,
               least(c.booked_on, core_today()), c.currency, c.amount, 0, c.payout_id, true, c.test_amount,
               (SELECT count(*) FROM recon_match_leg l WHERE l.line_id = c.line_id))::recon_pair ORDER BY c.nref, c.line_id)
    INTO pairs
    FROM (
        SELECT o.*, p.id AS payout_id, p.test_amount, count(*) OVER (PARTITION BY p.id) AS lines, count(*) OVER (PARTITION BY o.line_id) AS payouts
        FROM recon_open_line o
        JOIN recon_payout p ON p.nref = o.nref AND p.currency = o.currency AND p.amount = o.amount AND p.group_id IS NULL
        WHERE o.hop = 'bank' AND (after IS NULL OR o.nref > after) AND o.nref <= upto AND o.kind IN ('credit', 'debit') AND o.amount <> 0
    ) c
    WHERE c.lines = 1 AND c.payouts = 1;

    IF pairs IS NOT NULL THEN
        SELECT * INTO booked FROM recon_book((
            SELECT jsonb_agg(recon_command('bank_receipt', p.line_id, 2 * p.generation + (NOT mode.livemode)::int, p.booked_on,
                       mode.livemode, p.currency, jsonb_build_object(p.ledger_name, mode.sum, 'in_transit', -mode.sum),
                       jsonb_build_object('match', p.group_id, 'line', p.line_id, 'payout', p.thing)) ORDER BY ordinality, mode.livemode)
            FROM unnest(pairs) WITH ORDINALITY p CROSS JOIN LATERAL recon_modes(p.amount, p.test_amount) mode));
        made := recon_write_groups(pairs, booked.entries, 'bank', 'payout_total', 1, actor);
        refused := booked.refused;
        UPDATE recon_payout p SET group_id = g.id, matched_amount = g.amount
        FROM unnest(pairs) t JOIN recon_match_group g ON g.id = t.group_id WHERE p.id = t.thing;
    END IF;
    RETURN jsonb_build_object('last', upto, 'looked', looked, 'groups', made, 'reversed', reversed,
        'breaks', recon_diagnose_bank(after, upto, refused));
END $$;

-- What of an amount is live and what is test money; a mode without money is left out.
CREATE OR REPLACE FUNCTION recon_modes(amount bigint, test_amount bigint) RETURNS TABLE (livemode boolean, sum bigint)
LANGUAGE sql IMMUTABLE AS $$
    SELECT m.livemode, m.sum FROM (VALUES (true, amount - test_amount), (false, test_amount)) m (livemode, sum) WHERE m.sum <> 0
$$;

-- The matched groups of payouts that another open line of the chunk claims as well.
CREATE OR REPLACE FUNCTION recon_contested_payouts(after text, upto text) RETURNS uuid[]
LANGUAGE sql STABLE AS $$
    SELECT array_agg(DISTINCT p.group_id)
    FROM recon_open_line o
    JOIN recon_payout p ON p.nref = o.nref AND p.currency = o.currency AND p.amount = o.amount
    WHERE p.group_id IS NOT NULL AND o.hop = 'bank' AND o.kind IN ('credit', 'debit')
      AND (after IS NULL OR o.nref > after) AND o.nref <= upto
$$;
