"""Questions about the books. Balances are counted on an account's normal side."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from apps.core import db

_NEXT_MONTH = timedelta(days=32)


def balance(code: str) -> int:
    """What the account holds, posted less held, in minor units; 0 where it was never opened."""
    return balances([code]).get(code, 0)


def balances(codes: Sequence[str]) -> dict[str, int]:
    """Posted less held per account code; accounts that were never opened are left out."""
    rows = db.query(
        """SELECT a.code, sum(b.posted - b.held)::bigint AS amount FROM ledger_account a
           JOIN ledger_balance b ON b.account_id = a.id WHERE a.code = ANY (%s) GROUP BY a.code""",
        [list(codes)],
    )
    return {row["code"]: row["amount"] for row in rows}


def balance_at(code: str, *, day: date) -> int:
    """What was posted to the account by the end of `day` (business date)."""
    rows = db.query(
        """SELECT coalesce(sum(p.amount * a.sign), 0)::bigint AS amount FROM ledger_account a
           JOIN ledger_posting p ON p.account_id = a.id WHERE a.code = %s AND p.booked_on <= %s""",
        [code, day],
    )
    amount: int = rows[0]["amount"]
    return amount


def period_is_open(month: date) -> bool:
    """Whether something dated in the month may be booked."""
    return not db.query("SELECT ledger_month_shut(%s) AS shut", [month])[0]["shut"]


def open_months_with_entries(*, before: date) -> list[date]:
    """First days of the months before `before` that have entries and are not closed, oldest first."""
    rows = db.query(
        """SELECT DISTINCT date_trunc('month', e.booked_on::timestamp)::date AS month FROM ledger_entry e
           WHERE e.booked_on < %s AND e.booked_on >= coalesce(
               (SELECT max(month) + interval '1 month' FROM ledger_period WHERE status IN ('closed', 'hard_closed')), '-infinity')
           ORDER BY 1""",
        [before],
    )
    return [row["month"] for row in rows]


def month_summary(month: date) -> dict[str, Any]:
    """How many entries and postings a month has, and its status."""
    rows = db.query(
        """SELECT count(DISTINCT entry_id) AS entries, count(*) AS postings FROM ledger_posting
           WHERE booked_on >= %s AND booked_on < %s""",
        [month, (month + _NEXT_MONTH).replace(day=1)],
    )
    status = db.query("SELECT status FROM ledger_period WHERE month = %s", [month])
    return {**rows[0], "month": f"{month:%Y-%m}", "status": status[0]["status"] if status else "open"}


def trial_balance(*, month: date | None = None) -> list[dict[str, Any]]:
    """Per mode, currency and account: debit and credit turnover of the month (of all time when None)
    and the balance at its end, {livemode, currency, name, kind, debit, credit, balance}. Merchants'
    accounts of one name are added up. `balance` is signed, debit positive."""
    first, after = (month, (month + _NEXT_MONTH).replace(day=1)) if month else (date.min, date.max)
    return db.query(
        """SELECT a.livemode, a.currency, a.name, a.kind,
                  coalesce(sum(p.amount) FILTER (WHERE p.amount > 0 AND p.booked_on >= %(first)s), 0)::bigint AS debit,
                  coalesce(-sum(p.amount) FILTER (WHERE p.amount < 0 AND p.booked_on >= %(first)s), 0)::bigint AS credit,
                  coalesce(sum(p.amount), 0)::bigint AS balance
           FROM ledger_account a LEFT JOIN ledger_posting p ON p.account_id = a.id AND p.booked_on < %(after)s
           GROUP BY a.livemode, a.currency, a.name, a.kind
           ORDER BY a.livemode DESC, a.currency, a.kind, a.name""",
        {"first": first, "after": after},
    )


def merchant_accounts(merchant_id: UUID, *, livemode: bool) -> list[dict[str, Any]]:
    """The merchant's accounts with what they hold: {id, code, name, currency, posted, held}."""
    return db.query(
        """SELECT a.id, a.code, a.name, a.kind, a.currency, a.created, sum(b.posted)::bigint AS posted, sum(b.held)::bigint AS held
           FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
           WHERE a.merchant_id = %s AND a.livemode = %s GROUP BY a.id ORDER BY a.currency, a.name""",
        [merchant_id, livemode],
    )
