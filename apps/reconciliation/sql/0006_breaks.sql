-- What stays open is a break with its reason. Diagnosing again changes nothing unless the reason changed.

CREATE TYPE recon_found AS (
    type text,
    subject text,
    subject_id uuid,
    currency text,
    amount bigint,
    since date,
    facts jsonb
);

CREATE OR REPLACE FUNCTION recon_open_breaks(breaks recon_found[]) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    changed int;
    now_at timestamptz := core_now();
BEGIN
    INSERT INTO recon_break AS b (id, type, subject, subject_id, currency, amount, since, facts, state, opened_at)
    SELECT uuidv7(), f.type, f.subject, f.subject_id, f.currency, f.amount, f.since, f.facts, 'open', now_at FROM unnest(breaks) f
    ORDER BY f.subject_id
    ON CONFLICT (subject, subject_id) WHERE state = 'open'
    DO UPDATE SET type = excluded.type, facts = excluded.facts
    WHERE (b.type, b.facts) IS DISTINCT FROM (excluded.type, excluded.facts);
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END $$;

-- The settlement lines of a chunk that are still open. `refused` is line → error code of the ledger.
CREATE OR REPLACE FUNCTION recon_diagnose_settlement(after text, upto text, refused jsonb) RETURNS int
LANGUAGE sql AS $$
    SELECT recon_open_breaks(coalesce(array_agg(ROW(
        CASE WHEN refused ? o.line_id::text THEN 'posting_refused'
             WHEN m.movement_id IS NULL THEN 'missing_in_ledger'
             WHEN m.currency = o.currency AND m.amount = o.amount THEN 'duplicate'
             ELSE 'amount_differs' END,
        'line', o.line_id, o.currency, o.amount, o.booked_on,
        jsonb_strip_nulls(jsonb_build_object('kind', o.kind, 'file', o.file_id, 'line', o.number, 'attempt', o.attempt_id,
            'refused', refused ->> o.line_id::text,
            'why', CASE WHEN m.movement_id IS NOT NULL AND m.currency = o.currency AND m.amount = o.amount THEN 'claimed_twice'
                        WHEN m.movement_id IS NULL AND a.attempt_id IS NOT NULL THEN 'not_moved'
                        WHEN m.movement_id IS NULL THEN 'unknown_reference' END,
            'attempt_state', CASE WHEN m.movement_id IS NULL THEN a.state END,
            'attempt_kind', CASE WHEN m.movement_id IS NULL THEN a.kind END,
            'ours_amount', m.amount, 'ours_currency', m.currency, 'merchant', coalesce(m.merchant_id, a.merchant_id))))::recon_found), '{}'))
    FROM recon_open_line o
    LEFT JOIN recon_attempts a ON a.attempt_id = o.attempt_id
    LEFT JOIN recon_ours m ON m.movement_id = o.attempt_id AND m.kind = o.kind
    WHERE o.hop = 'settlement' AND (after IS NULL OR o.nref > after) AND o.nref <= upto
$$;

-- The bank lines of a chunk that are still open.
CREATE OR REPLACE FUNCTION recon_diagnose_bank(after text, upto text, refused jsonb) RETURNS int
LANGUAGE sql AS $$
    SELECT recon_open_breaks(coalesce(array_agg(ROW(
        CASE WHEN refused ? o.line_id::text THEN 'posting_refused'
             WHEN p.id IS NULL OR o.kind = 'reversal' THEN 'bank_line_without_payout'
             WHEN p.currency = o.currency AND p.amount = o.amount THEN 'duplicate'
             ELSE 'amount_differs' END,
        'line', o.line_id, o.currency, o.amount, o.booked_on,
        jsonb_strip_nulls(jsonb_build_object('kind', o.kind, 'file', o.file_id, 'line', o.number, 'payout', p.id,
            'refused', refused ->> o.line_id::text,
            'why', CASE WHEN o.kind = 'reversal' THEN 'reversal'
                        WHEN p.currency = o.currency AND p.amount = o.amount THEN 'claimed_twice'
                        WHEN p.id IS NULL AND o.nref = '' THEN 'no_reference'
                        WHEN p.id IS NULL THEN 'unknown_reference' END,
            'ours_amount', p.amount, 'ours_currency', p.currency)))::recon_found), '{}'))
    FROM recon_open_line o
    LEFT JOIN LATERAL (
        SELECT * FROM recon_payout p WHERE p.nref = o.nref AND o.nref <> ''
        ORDER BY (p.currency = o.currency) DESC, (p.amount = o.amount) DESC, p.source_id, p.currency LIMIT 1
    ) p ON true
    WHERE o.hop = 'bank' AND (after IS NULL OR o.nref > after) AND o.nref <= upto
$$;

-- One line that the stages cannot get past is set aside with the reason; returns its reference.
CREATE OR REPLACE FUNCTION recon_set_aside(in_hop text, after text, reason text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    upto text := recon_chunk_end(in_hop, after, 1);
    refused jsonb;
BEGIN
    SELECT jsonb_object_agg(line_id, left(reason, 500)) INTO refused FROM recon_open_line
    WHERE hop = in_hop AND nref = upto;
    IF in_hop = 'bank' THEN
        PERFORM recon_diagnose_bank(after, upto, refused);
    ELSE
        PERFORM recon_diagnose_settlement(after, upto, refused);
    END IF;
    RETURN upto;
END $$;

-- Movements of ours that no settlement file has brought `overdue_days` after they were made. Goes once through the
-- attempts in the order in which they were made, up to the first that is not due; those without an outcome are
-- watched until they have one. Returns {"looked", "breaks"}; 0 looked: that was all.
CREATE OR REPLACE FUNCTION recon_sweep_movements(size int) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    due uuid[];
    decided uuid[];
    opened int;
BEGIN
    PERFORM recon_lock_matching();
    SELECT array_agg(n.id ORDER BY n.id) INTO due FROM (
        SELECT b.id, bool_and(b.is_due) OVER (ORDER BY b.id) AS reached FROM (
            SELECT a.id, (a.created AT TIME ZONE 'UTC')::date < core_today() - coalesce(s.overdue_days, 0) AS is_due
            FROM payments_attempt a LEFT JOIN recon_source s ON s.code = a.gateway AND s.kind = 'settlement'
            WHERE a.id > coalesce((SELECT swept_to FROM recon_sweep WHERE name = 'movements'), '00000000-0000-0000-0000-000000000000')
            ORDER BY a.id LIMIT size
        ) b
    ) n WHERE n.reached;

    WITH outcomes AS (
        DELETE FROM recon_watched w USING recon_attempts a
        WHERE a.attempt_id = w.attempt_id AND a.state IN ('succeeded', 'failed') RETURNING w.attempt_id
    ) SELECT array_agg(attempt_id) INTO decided FROM outcomes;
    INSERT INTO recon_watched (attempt_id)
    SELECT a.attempt_id FROM recon_attempts a WHERE a.attempt_id = ANY (due) AND a.state NOT IN ('succeeded', 'failed');
    opened := recon_break_overdue(coalesce(due, '{}') || coalesce(decided, '{}'));
    IF due IS NOT NULL THEN
        INSERT INTO recon_sweep (name, swept_to) VALUES ('movements', due[cardinality(due)])
        ON CONFLICT (name) DO UPDATE SET swept_to = excluded.swept_to;
    END IF;
    RETURN jsonb_build_object('looked', coalesce(cardinality(due), 0), 'breaks', opened);
END $$;

CREATE OR REPLACE FUNCTION recon_break_overdue(attempts uuid[]) RETURNS int
LANGUAGE sql AS $$
    SELECT recon_open_breaks(coalesce(array_agg(ROW('missing_in_file', 'movement', m.movement_id, m.currency, m.amount,
        (m.created AT TIME ZONE 'UTC')::date,
        jsonb_build_object('kind', m.kind, 'merchant', m.merchant_id, 'livemode', m.livemode, 'overdue_days', s.overdue_days))::recon_found), '{}'))
    FROM recon_ours m
    JOIN recon_source s ON s.code = m.gateway AND s.kind = 'settlement'
    WHERE m.movement_id = ANY (attempts)
      AND NOT EXISTS (SELECT FROM recon_match_leg l WHERE l.movement_id = m.movement_id AND l.hop = 'settlement' AND l.active)
$$;

-- Payouts that no bank line has brought `overdue_days` after their last line. Returns how many are new.
CREATE OR REPLACE FUNCTION recon_sweep_payouts() RETURNS int
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM recon_lock_matching();
    RETURN (
        SELECT recon_open_breaks(coalesce(array_agg(ROW('payout_without_bank_line', 'payout', p.id, p.currency, p.amount, p.last_on,
            jsonb_build_object('payout', p.reference, 'source', p.source_id, 'lines', p.lines, 'overdue_days', s.overdue_days))::recon_found), '{}'))
        FROM recon_payout p JOIN recon_source s ON s.code = p.source_id
        WHERE p.group_id IS NULL AND p.amount <> 0 AND p.last_on < core_today() - s.overdue_days
    );
END $$;
