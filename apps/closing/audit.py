"""What must hold of month ends at any time."""

from apps.core.audit import Check

CHECKS = (
    Check(
        name="a month that was closed is locked in the ledger and all its steps are done",
        sql="""
            SELECT r.month, p.status AS period, count(*) FILTER (WHERE s.state <> 'done') AS open_steps
            FROM closing_run r
            LEFT JOIN ledger_period p ON p.month = r.month
            LEFT JOIN closing_step s ON s.run_id = r.id
            WHERE r.state = 'closed'
            GROUP BY r.id, p.status
            HAVING p.status IS NULL OR p.status NOT IN ('closed', 'hard_closed') OR count(*) FILTER (WHERE s.state <> 'done') > 0""",
    ),
    Check(
        name="every account of a closed month has its statement",
        sql="""
            SELECT DISTINCT r.month, a.merchant_id, a.livemode, a.currency
            FROM closing_run r
            JOIN ledger_account a ON a.merchant_id IS NOT NULL AND EXISTS (
                SELECT FROM ledger_posting p WHERE p.account_id = a.id AND p.booked_on < (r.month + interval '1 month')::date)
            LEFT JOIN statements_statement s ON s.month = r.month AND s.status = 'issued'
                AND (s.merchant_id, s.livemode, s.currency) = (a.merchant_id, a.livemode, a.currency)
            WHERE r.state = 'closed' AND s.id IS NULL""",
    ),
    Check(
        name="no month end is blocked",
        strict_only=True,
        sql="SELECT month, blocked_by FROM closing_run WHERE state = 'blocked'",
    ),
    Check(
        name="no month end takes longer than a day",
        strict_only=True,
        sql="""SELECT month, state, started_at FROM closing_run
               WHERE state <> 'closed' AND started_at < clock_timestamp() - interval '1 day'""",
    ),
)
