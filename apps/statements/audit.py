"""What must hold of statements at any time."""

from apps.core.audit import Check

CHECKS = (
    Check(
        name="every account has one current statement for every month that was run",
        sql="""
            SELECT w.month, w.merchant_id, w.livemode, w.currency, count(s.id) AS statements
            FROM statements_work w
            LEFT JOIN statements_statement s ON s.month = w.month AND s.status = 'issued'
                AND (s.merchant_id, s.livemode, s.currency) = (w.merchant_id, w.livemode, w.currency)
            WHERE w.state = 'done'
            GROUP BY w.id HAVING count(s.id) <> 1""",
    ),
    Check(
        name="a statement opens with what the one before closed with",
        sql="""
            SELECT s.number, s.opening, p.number AS previous, p.closing
            FROM statements_statement s
            JOIN statements_statement p ON (p.merchant_id, p.livemode, p.currency) = (s.merchant_id, s.livemode, s.currency)
                AND p.month = (s.month - interval '1 month')::date
            WHERE s.status = 'issued' AND p.status = 'issued' AND s.opening <> p.closing""",
    ),
    Check(
        name="a statement's totals lead from its opening to its closing balance",
        sql="""
            SELECT s.number FROM statements_statement s
            WHERE s.opening + (SELECT coalesce(sum(value::bigint), 0) FROM jsonb_each_text(s.totals)) <> s.closing""",
    ),
    Check(
        name="every posting of the merchant is in its month's statement, by count and by sum",
        sql="""
            WITH booked AS (
                SELECT a.merchant_id, a.livemode, a.currency, date_trunc('month', p.booked_on::timestamp)::date AS month,
                       count(*) AS postings,
                       coalesce(-sum(p.amount) FILTER (WHERE a.family IN ('available', 'pending', 'reserve')), 0) AS net
                FROM ledger_account a JOIN ledger_posting p ON p.account_id = a.id
                WHERE a.merchant_id IS NOT NULL GROUP BY 1, 2, 3, 4
            )
            SELECT s.number, s.postings, coalesce(b.postings, 0) AS booked, s.closing - s.opening AS change, coalesce(b.net, 0) AS net
            FROM statements_statement s
            LEFT JOIN booked b ON (b.merchant_id, b.livemode, b.currency, b.month) = (s.merchant_id, s.livemode, s.currency, s.month)
            WHERE s.status <> 'superseded' AND (s.postings, s.closing - s.opening) <> (coalesce(b.postings, 0), coalesce(b.net, 0))""",
    ),
    Check(
        name="an account's last statement closes with the ledger's balance at the end of its month",
        sql="""
            SELECT s.number, s.closing, coalesce(b.balance, 0) AS ledger
            FROM (SELECT DISTINCT ON (merchant_id, livemode, currency) * FROM statements_statement WHERE status <> 'superseded'
                  ORDER BY merchant_id, livemode, currency, month DESC) s
            LEFT JOIN LATERAL (
                SELECT -sum(p.amount) AS balance
                FROM ledger_account a JOIN ledger_posting p ON p.account_id = a.id
                WHERE (a.merchant_id, a.livemode, a.currency) = (s.merchant_id, s.livemode, s.currency)
                  AND a.family IN ('available', 'pending', 'reserve') AND p.booked_on < (s.month + interval '1 month')::date
            ) b ON true
            WHERE s.closing <> coalesce(b.balance, 0)""",
    ),
    Check(
        name="statement numbers have no gaps",
        sql="""
            SELECT n.name AS series, n.last, count(s.id) AS statements, coalesce(max(s.serial), 0) AS highest
            FROM statements_series n LEFT JOIN statements_statement s ON s.series = n.name
            GROUP BY n.name HAVING count(s.id) <> n.last OR coalesce(max(s.serial), 0) <> n.last""",
    ),
    Check(
        name="the frozen data of a statement has the hash that it states",
        sql="""
            SELECT s.number FROM statements_statement s LEFT JOIN statements_data d ON d.statement_id = s.id
            WHERE encode(sha256(convert_to(coalesce(d.body, ''), 'UTF8')), 'hex') <> s.data_sha256""",
    ),
    Check(
        name="no statement was given up",
        strict_only=True,
        sql="SELECT month, merchant_id, livemode, currency, last_error FROM statements_work WHERE state = 'parked'",
    ),
    Check(
        name="no statement waits longer than an hour",
        strict_only=True,
        sql="""SELECT month, merchant_id, livemode, currency, attempts, last_error FROM statements_work
               WHERE state = 'pending' AND created < clock_timestamp() - interval '1 hour'""",
    ),
)
