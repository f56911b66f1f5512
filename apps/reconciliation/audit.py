"""What reconciliation promises about its rows."""

from apps.core.audit import Check

CHECKS = [
    Check(
        name="every imported line is matched, open, a duplicate or pending, by count and by sum",
        sql="""
            WITH standing AS (
                SELECT l.file_id, l.amount,
                       EXISTS (SELECT FROM recon_match_leg g WHERE g.line_id = l.id AND g.active)::int
                       + EXISTS (SELECT FROM recon_open_line o WHERE o.line_id = l.id)::int
                       + (l.kind = 'pending')::int
                       + EXISTS (SELECT FROM recon_line_identity i WHERE i.identity = l.identity AND i.line_id <> l.id)::int AS places
                FROM recon_source_line l
            )
            SELECT f.id, f.name, f.lines, count(s.file_id) AS found, sum(s.amount) AS in_file,
                   sum(s.amount * s.places) AS accounted_for
            FROM recon_source_file f LEFT JOIN standing s ON s.file_id = f.id
            GROUP BY f.id
            HAVING f.lines <> count(s.file_id) OR bool_or(s.places <> 1) OR sum(s.amount) <> sum(s.amount * s.places)
        """,
    ),
    Check(
        name="the legs of every match balance",
        sql="SELECT g.id FROM recon_match_group g WHERE NOT recon_balanced(g.id)",
    ),
    Check(
        name="no line, movement or payout is in two active matches",
        sql="""
            SELECT hop, coalesce(line_id, movement_id, payout_id) AS thing, count(*) FROM recon_match_leg
            WHERE active GROUP BY 1, 2 HAVING count(*) > 1
        """,
    ),
    Check(
        name="every match has its entries in the ledger, and every settlement entry its match",
        sql="""
            SELECT g.id, NULL::uuid AS entry FROM recon_match_group g
            WHERE EXISTS (SELECT FROM unnest(g.entry_ids) e (id) WHERE NOT EXISTS (SELECT FROM ledger_entry l WHERE l.id = e.id))
            UNION ALL
            SELECT (l.metadata ->> 'match')::uuid, l.id FROM ledger_entry l
            WHERE l.kind IN ('settlement', 'bank_receipt') AND NOT EXISTS (
                SELECT FROM recon_match_group g WHERE g.id = (l.metadata ->> 'match')::uuid AND l.id = ANY (g.entry_ids))
        """,
    ),
    Check(
        name="what a match books is what its line says",
        sql="""
            SELECT g.id, g.amount, sum(p.amount) AS booked
            FROM recon_match_group g
            JOIN ledger_entry e ON e.id = ANY (g.entry_ids)
            JOIN ledger_posting p ON p.entry_id = e.id
            JOIN ledger_account a ON a.id = p.account_id
            WHERE g.status = 'active' AND a.family = CASE g.hop WHEN 'bank' THEN 'bank' ELSE 'gateway_receivable' END
            GROUP BY g.id HAVING sum(p.amount) <> CASE g.hop WHEN 'bank' THEN g.amount ELSE -g.amount END
        """,
    ),
    Check(
        name="opening balance and lines give the closing balance of every statement",
        sql="""
            SELECT s.id, s.statement_id FROM recon_statement s
            LEFT JOIN recon_source_line l ON l.statement_id = s.id AND l.kind <> 'pending'
            GROUP BY s.id HAVING s.opening + coalesce(sum(l.amount), 0) <> s.closing
        """,
    ),
    Check(
        name="every payout is the sum of its lines",
        sql="""
            WITH sums AS (
                SELECT l.source_id, l.nbatch, l.currency, sum(l.net) AS net, count(*) AS lines
                FROM recon_source_line l JOIN recon_line_identity i ON i.identity = l.identity AND i.line_id = l.id
                WHERE l.nbatch <> '' GROUP BY 1, 2, 3
            )
            SELECT p.id, p.reference, p.amount, s.net FROM recon_payout p
            FULL JOIN sums s ON s.source_id = p.source_id AND s.nbatch = p.nref AND s.currency = p.currency
            WHERE p.amount IS DISTINCT FROM s.net OR p.lines IS DISTINCT FROM s.lines
        """,
    ),
    Check(
        name="every open line was looked at",
        sql="""
            SELECT o.line_id FROM recon_open_line o
            WHERE NOT EXISTS (SELECT FROM recon_break b WHERE b.state = 'open' AND b.subject = 'line' AND b.subject_id = o.line_id)
        """,
        strict_only=True,
    ),
]
