-- What happens to the lines of a file once they are copied in. Called inside the import's transaction.

-- The lines of the file that came before are listed as duplicates; the others are open; payouts have the sums of their
-- lines. Returns {"lines", "duplicates"}. The payouts come last: a matcher may wait for them.
CREATE OR REPLACE FUNCTION recon_admit(of_file uuid, on_date date) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    counted bigint;
    doubles bigint;
BEGIN
    INSERT INTO recon_line_identity (identity, line_id, file_date)
    SELECT DISTINCT ON (identity) identity, id, file_date FROM recon_source_line
    WHERE file_id = of_file AND file_date = on_date AND kind <> 'pending'
    ORDER BY identity, position
    ON CONFLICT (identity) DO NOTHING;

    INSERT INTO recon_open_line
        (line_id, file_date, file_id, number, source, ledger_name, hop, kind, nref, attempt_id, booked_on, currency, amount, fee)
    SELECT o.line_id, o.file_date, o.file_id, o.number, o.source, o.ledger_name, o.hop, o.kind, o.nref, o.attempt_id,
           o.booked_on, o.currency, o.amount, o.fee
    FROM recon_openable o
    JOIN recon_line_identity i ON i.identity = o.identity AND i.line_id = o.line_id
    WHERE o.file_id = of_file AND o.file_date = on_date;

    SELECT count(*) INTO counted FROM recon_source_line WHERE file_id = of_file AND file_date = on_date;
    doubles := recon_list_duplicates(of_file, on_date);
    PERFORM recon_add_to_payouts(of_file, on_date);
    RETURN jsonb_build_object('lines', counted, 'duplicates', doubles);
END $$;

-- A break for each line of the file that repeats another; returns how many.
CREATE OR REPLACE FUNCTION recon_list_duplicates(of_file uuid, on_date date) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    listed bigint;
    now_at timestamptz := core_now();
BEGIN
    INSERT INTO recon_break (id, type, subject, subject_id, currency, amount, since, facts, opened_at, state)
    SELECT uuidv7(), 'duplicate', 'line', l.id, l.currency, l.amount, l.booked_on,
           jsonb_build_object('why', 'repeated', 'reference', l.reference, 'file', l.file_id, 'line', l.number,
               'first_file', f.file_id, 'first_line', f.number, 'first_file_name', sf.name),
           now_at, 'open'
    FROM recon_source_line l
    JOIN recon_line_identity i ON i.identity = l.identity AND i.line_id <> l.id
    JOIN recon_source_line f ON f.id = i.line_id AND f.file_date = i.file_date
    JOIN recon_source_file sf ON sf.id = f.file_id
    WHERE l.file_id = of_file AND l.file_date = on_date AND l.kind <> 'pending';
    GET DIAGNOSTICS listed = ROW_COUNT;
    RETURN listed;
END $$;

CREATE OR REPLACE FUNCTION recon_add_to_payouts(of_file uuid, on_date date) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO recon_payout AS p
        (id, source_id, reference, nref, currency, gross, fee, amount, test_amount, lines, first_on, last_on)
    SELECT uuidv7(), l.source_id, min(l.batch), l.nbatch, l.currency, sum(l.amount), sum(l.fee), sum(l.net),
           coalesce(sum(l.net) FILTER (WHERE NOT coalesce(a.livemode, s.livemode)), 0), count(*), min(l.booked_on), max(l.booked_on)
    FROM recon_source_line l
    JOIN recon_line_identity i ON i.identity = l.identity AND i.line_id = l.id
    JOIN recon_source s ON s.code = l.source_id
    LEFT JOIN recon_attempts a ON a.attempt_id = l.attempt_id
    WHERE l.file_id = of_file AND l.file_date = on_date AND l.nbatch <> ''
    GROUP BY l.source_id, l.nbatch, l.currency
    ORDER BY l.source_id, l.nbatch, l.currency
    ON CONFLICT (source_id, nref, currency) DO UPDATE SET
        gross = p.gross + excluded.gross, fee = p.fee + excluded.fee, amount = p.amount + excluded.amount,
        test_amount = p.test_amount + excluded.test_amount, lines = p.lines + excluded.lines,
        first_on = least(p.first_on, excluded.first_on), last_on = greatest(p.last_on, excluded.last_on)
$$;

-- Each statement of the account opens with what the one before it closed with, or there is a break; one that was
-- filled by a later file is resolved.
CREATE OR REPLACE FUNCTION recon_check_chain(of_account text, in_currency text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    now_at timestamptz := core_now();
BEGIN
    WITH chain AS (
        SELECT s.*, lag(s.closing) OVER w AS before, lag(s.statement_id) OVER w AS before_id
        FROM recon_statement s WHERE s.account = of_account AND s.currency = in_currency
        WINDOW w AS (ORDER BY s.sequence, s.starts_on, s.ends_on, s.page, s.statement_id)
    ), gaps AS (
        SELECT * FROM chain WHERE before <> opening
    ), healed AS (
        UPDATE recon_break b SET state = 'resolved', resolved_at = now_at
        WHERE b.subject = 'statement' AND b.state = 'open' AND b.subject_id IN (SELECT id FROM chain)
          AND b.subject_id NOT IN (SELECT id FROM gaps)
    )
    INSERT INTO recon_break (id, type, subject, subject_id, currency, amount, since, facts, opened_at, state)
    SELECT uuidv7(), 'statement_gap', 'statement', g.id, g.currency, g.opening - g.before, g.starts_on,
           jsonb_build_object('account', g.account, 'statement', g.statement_id, 'before', g.before_id,
               'opening', g.opening, 'closing_before', g.before),
           now_at, 'open'
    FROM gaps g
    ON CONFLICT (subject, subject_id) WHERE state = 'open'
    DO UPDATE SET amount = excluded.amount, facts = excluded.facts WHERE recon_break.facts <> excluded.facts;
END $$;
