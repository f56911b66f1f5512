"""What must hold of the books, whoever wrote them."""

from apps.core.audit import Check

CHECKS = (
    Check(
        name="every entry has its postings and they sum to zero per currency",
        # Both tables whole, once: an index look-up for each entry is what takes an hour on a large ledger.
        sql="""SELECT coalesce(e.id, t.entry_id) AS id, e.source, e.lines, t.arrived FROM ledger_entry e
               FULL JOIN (
                   SELECT entry_id, booked_on, sum(arrived) AS arrived, bool_or(net <> 0) AS off FROM (
                       SELECT entry_id, booked_on, currency, count(*) AS arrived, sum(amount) AS net FROM ledger_posting
                       GROUP BY entry_id, booked_on, currency) per
                   GROUP BY entry_id, booked_on) t ON t.entry_id = e.id AND t.booked_on = e.booked_on
               WHERE t.arrived IS DISTINCT FROM e.lines OR t.arrived < 2 OR t.off""",
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
        sql="""SELECT e.id, e.source, e.booked_on, e.recorded_at, p.closed_at
               FROM (SELECT month, closed_at, lag(month) OVER (ORDER BY month) AS before FROM ledger_period
                     WHERE status IN ('closed', 'hard_closed')) p
               JOIN ledger_entry e ON e.booked_on < p.month + interval '1 month'
                   AND e.booked_on >= coalesce(p.before + interval '1 month', '-infinity')
               WHERE e.recorded_at > p.closed_at""",
    ),
    Check(
        name="a reversal undoes all of its entry and nothing else",
        sql="""SELECT e.id, e.reverses, off.account_id FROM ledger_entry e
               CROSS JOIN LATERAL (
                   SELECT p.account_id FROM ledger_posting p WHERE p.entry_id IN (e.id, e.reverses)
                   GROUP BY p.account_id HAVING sum(p.amount) <> 0) off
               WHERE e.reverses IS NOT NULL""",
    ),
    Check(
        name="the running balances of guarded accounts follow one another",
        sql="""SELECT * FROM (
                   SELECT p.account_id, p.id, p.balance_after,
                          sum(p.amount * a.sign) OVER (PARTITION BY p.account_id ORDER BY p.id) AS summed
                   FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id WHERE a.guarded) r
               WHERE r.balance_after <> r.summed""",
    ),
    Check(
        name="no rule of the ledger is switched off, in no partition",
        sql="""SELECT t.tgrelid::regclass::text AS place, t.tgname::text AS rule FROM pg_trigger t
               WHERE t.tgname LIKE 'ledger_%' AND t.tgenabled <> 'O'
               UNION ALL
               SELECT i.inhrelid::regclass::text, 'ledger_posting_by_parent' FROM pg_inherits i
               WHERE i.inhparent = 'ledger_posting'::regclass AND NOT EXISTS (
                   SELECT FROM pg_trigger t WHERE t.tgrelid = i.inhrelid AND t.tgname = 'ledger_posting_by_parent')""",
    ),
    Check(name="the seals verify from the first to the last", sql="SELECT * FROM ledger_verify_seals()"),
)
