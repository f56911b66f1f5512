"""What must hold of the books, whoever wrote them."""

from apps.core.audit import Check

CHECKS = (
    Check(
        name="every entry has its postings and they sum to zero per currency",
        sql="""SELECT e.id, e.source, e.lines FROM ledger_entry e
               LEFT JOIN LATERAL (
                   SELECT count(*) AS arrived, bool_or(net <> 0) AS off FROM (
                       SELECT p.currency, sum(p.amount) OVER (PARTITION BY p.currency) AS net FROM ledger_posting p
                       WHERE p.entry_id = e.id AND p.booked_on = e.booked_on) per) t ON true
               WHERE t.arrived <> e.lines OR t.arrived < 2 OR t.off""",
    ),
    Check(
        name="every balance is the sum of its postings",
        sql="""SELECT a.code, b.posted AS kept, coalesce(p.posted, 0) AS summed FROM ledger_account a
               JOIN (SELECT account_id, sum(posted) AS posted FROM ledger_balance GROUP BY account_id) b ON b.account_id = a.id
               LEFT JOIN (SELECT account_id, sum(amount) AS posted FROM ledger_posting GROUP BY account_id) p ON p.account_id = a.id
               WHERE b.posted <> coalesce(p.posted, 0) * a.sign""",
    ),
    Check(
        name="no guarded account is below zero, holds included",
        sql="""SELECT a.code, b.posted, b.held FROM ledger_balance b JOIN ledger_account a ON a.id = b.account_id
               WHERE a.guarded AND b.posted < b.held""",
    ),
    Check(
        name="every held total is the sum of its open holds",
        sql="""SELECT a.code, b.held, coalesce(h.held, 0) AS summed FROM ledger_account a
               JOIN (SELECT account_id, sum(held) AS held FROM ledger_balance GROUP BY account_id) b ON b.account_id = a.id
               LEFT JOIN (SELECT account_id, sum(amount) AS held FROM ledger_hold WHERE status = 'open' GROUP BY account_id) h
                   ON h.account_id = a.id
               WHERE b.held <> coalesce(h.held, 0)""",
    ),
    Check(
        name="nothing was booked into a month after it was closed",
        sql="""SELECT e.id, e.source, e.booked_on, e.recorded_at, p.closed_at FROM ledger_period p
               JOIN ledger_entry e ON e.booked_on >= p.month AND e.booked_on < p.month + interval '1 month'
               WHERE p.status IN ('closed', 'hard_closed') AND e.recorded_at > p.closed_at""",
    ),
    Check(
        name="the running balances of guarded accounts follow one another",
        sql="""SELECT * FROM (
                   SELECT p.account_id, p.id, p.balance_after,
                          sum(p.amount * a.sign) OVER (PARTITION BY p.account_id ORDER BY p.id) AS summed
                   FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id WHERE a.guarded) r
               WHERE r.balance_after <> r.summed""",
    ),
    Check(name="the seals verify from the first to the last", sql="SELECT * FROM ledger_verify_seals()"),
)
