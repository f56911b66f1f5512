"""Questions about the books. Balances are counted on an account's normal side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

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


def period_is_open(month: date) -> bool:
    """Whether something dated in the month may be booked."""
    return not db.query("SELECT ledger_month_shut(%s) AS shut", [month])[0]["shut"]


def has_entries(*, before: date) -> bool:
    """Whether anything was booked on a business date before `before`."""
    found: bool = db.query("SELECT EXISTS (SELECT FROM ledger_entry WHERE booked_on < %s) AS found", [before])[0]["found"]
    return found


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
    """The merchant's accounts with what they hold: {id, code, name, kind, normal_side, currency, livemode,
    created, posted, held}."""
    return db.query(
        """SELECT a.id, a.code, a.name, a.kind, a.normal_side, a.currency, a.livemode, a.created,
                  sum(b.posted)::bigint AS posted, sum(b.held)::bigint AS held
           FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
           WHERE a.merchant_id = %s AND a.livemode = %s GROUP BY a.id ORDER BY a.currency, a.name""",
        [merchant_id, livemode],
    )


def is_closed(month: date) -> bool:
    """Whether the month, or a later one, is closed: its figures do not change any more."""
    rows = db.query(
        "SELECT EXISTS (SELECT FROM ledger_period WHERE month >= %s AND status IN ('closed', 'hard_closed')) AS closed", [month]
    )
    closed: bool = rows[0]["closed"]
    return closed


def merchant_purses(*, before: date) -> list[tuple[UUID, bool, str]]:
    """(merchant, livemode, currency) of every merchant that had an account, or a posting, dated before
    that business date."""
    rows = db.query(
        """SELECT DISTINCT a.merchant_id, a.livemode, a.currency FROM ledger_account a
           WHERE a.merchant_id IS NOT NULL AND ((a.created AT TIME ZONE %(zone)s)::date < %(before)s
              OR EXISTS (SELECT FROM ledger_posting p WHERE p.account_id = a.id AND p.booked_on < %(before)s))
           ORDER BY 1, 2, 3""",
        {"before": before, "zone": settings.LEDGER_TIME_ZONE},
    )
    return [(row["merchant_id"], row["livemode"], row["currency"]) for row in rows]


def merchant_balances_at(*, merchant_id: UUID, livemode: bool, currency: str, before: date) -> dict[str, int]:
    """What each of the merchant's accounts held before that business date, by name (`available`, …)."""
    rows = db.query(
        """SELECT a.name, sum(p.amount * a.sign)::bigint AS amount FROM ledger_account a JOIN ledger_posting p ON p.account_id = a.id
           WHERE a.merchant_id = %s AND a.livemode = %s AND a.currency = %s AND p.booked_on < %s GROUP BY a.name""",
        [merchant_id, livemode, currency, before],
    )
    return {row["name"]: row["amount"] for row in rows}


def merchant_lines(*, merchant_id: UUID, livemode: bool, currency: str, month: date) -> list[dict[str, Any]]:
    """The month's entries that touch the merchant, in the order of booking: {entry_id, booked_on, kind,
    source, metadata, amounts: {account name: change of what it holds}, postings, fee}. `fee` is what the
    entry earned the house, where no other merchant takes part in it."""
    return db.query(
        """SELECT e.id AS entry_id, e.booked_on, e.kind, e.source, e.metadata, moved.amounts, moved.postings,
                  coalesce(house.fee, 0)::bigint AS fee
           FROM (SELECT entry_id, min(first) AS first, sum(postings)::int AS postings, jsonb_object_agg(name, amount) AS amounts
                 FROM (SELECT p.entry_id, a.name, min(p.id) AS first, count(*) AS postings, sum(p.amount * a.sign)::bigint AS amount
                       FROM ledger_account a JOIN ledger_posting p ON p.account_id = a.id
                       WHERE a.merchant_id = %(merchant)s AND a.livemode = %(livemode)s AND a.currency = %(currency)s
                         AND p.booked_on >= %(month)s AND p.booked_on < %(after)s
                       GROUP BY p.entry_id, a.name) named
                 GROUP BY entry_id) moved
           JOIN ledger_entry e ON e.id = moved.entry_id
           LEFT JOIN LATERAL (
               SELECT sum(p.amount * a.sign) FILTER (WHERE a.family = 'fees') AS fee
               FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
               WHERE p.entry_id = e.id AND p.booked_on = e.booked_on AND p.currency = %(currency)s
               HAVING NOT bool_or(coalesce(a.merchant_id, %(merchant)s) <> %(merchant)s)) house ON true
           ORDER BY e.booked_on, moved.first""",
        {
            "merchant": merchant_id,
            "livemode": livemode,
            "currency": currency,
            "month": month,
            "after": (month + _NEXT_MONTH).replace(day=1),
        },
    )


def period(month: date) -> dict[str, Any]:
    """{month, status, version, reason, changed_at, closed_at} of a month; open where nothing was ever decided."""
    rows = db.query("SELECT * FROM ledger_period WHERE month = %s", [month])
    never = {"month": month, "status": "open", "version": 0, "reason": None, "changed_at": None, "closed_at": None}
    return rows[0] if rows else never


def entries(*, month: date | None = None, livemode: bool | None = None, at_once: int = 500) -> Iterator[dict[str, Any]]:
    """Every entry of the month (of all time when None) and mode (both when None) by business date:
    {id, kind, booked_on, recorded_at, source, livemode, metadata, postings: [{code, kind, currency,
    amount}]}. One snapshot, `at_once` entries in memory at a time; begins a transaction of its own."""
    first, after = (month, (month + _NEXT_MONTH).replace(day=1)) if month else (date.min, date.max)
    day, last = first, UUID(int=0)
    with transaction.atomic(durable=True):
        db.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        while rows := db.query(_ENTRIES, {"day": day, "last": last, "after": after, "livemode": livemode, "limit": at_once}):
            yield from rows
            day, last = rows[-1]["booked_on"], rows[-1]["id"]


_ENTRIES = """
SELECT e.id, e.kind, e.booked_on, e.recorded_at, e.source, e.livemode, e.metadata, p.postings
FROM (SELECT * FROM ledger_entry
      WHERE (booked_on, id) > (%(day)s, %(last)s) AND booked_on < %(after)s
        AND livemode = coalesce(%(livemode)s::boolean, livemode)
      ORDER BY booked_on, id LIMIT %(limit)s) e
CROSS JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object('code', a.code, 'kind', a.kind, 'currency', p.currency, 'amount', p.amount)
                     ORDER BY p.line) AS postings
    FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
    WHERE p.entry_id = e.id AND p.booked_on = e.booked_on) p
ORDER BY e.booked_on, e.id
"""


def accounts(*, livemode: bool | None = None) -> list[dict[str, Any]]:
    """Every account of the mode (of both when None), by code: {code, kind, currency, livemode}."""
    return db.query(
        "SELECT code, kind, currency, livemode FROM ledger_account WHERE livemode = coalesce(%s::boolean, livemode) ORDER BY code",
        [livemode],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`fetch` entries, newest first; after the entry `cursor`, or before it when `backwards`."""

    fetch: int
    cursor: UUID | None = None
    backwards: bool = False


def merchant_entries(accounts: Sequence[UUID], page: Page) -> list[dict[str, Any]]:
    """Entries that touch one of the accounts, in the order of booking, newest first (oldest first when
    the page is read backwards): {id, kind, booked_on, recorded_at, source, reverses, livemode, lines:
    [{account_id, name, amount, currency, balance_after}]}, the lines on those accounts only."""
    sign, order = (">", "ASC") if page.backwards else ("<", "DESC")
    return db.query(
        _MERCHANT_ENTRIES.format(sign=sign, order=order, edge="max" if page.backwards else "min"),
        {"accounts": list(accounts), "cursor": page.cursor, "fetch": page.fetch},
    )


# From each account the postings next to the cursor, by index; an entry has few lines on one account.
_MERCHANT_ENTRIES = """
WITH cursor AS (
    SELECT {edge}(p.id) AS id FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id AND p.booked_on = e.booked_on
    WHERE e.id = %(cursor)s AND p.account_id = ANY (%(accounts)s)
)
SELECT e.id, e.kind, e.booked_on, e.recorded_at, e.source, e.reverses, e.livemode, own.lines
FROM (
    SELECT near.entry_id, near.booked_on, {edge}(near.id) AS at
    FROM cursor, unnest(%(accounts)s::uuid[]) account
    CROSS JOIN LATERAL (
        SELECT p.id, p.entry_id, p.booked_on FROM ledger_posting p
        WHERE p.account_id = account AND (cursor.id IS NULL OR p.id {sign} cursor.id)
        ORDER BY p.id {order} LIMIT 4 * %(fetch)s
    ) near
    GROUP BY near.entry_id, near.booked_on
    ORDER BY at {order} LIMIT %(fetch)s
) found
JOIN ledger_entry e ON e.id = found.entry_id
CROSS JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object('account_id', a.id, 'name', a.name, 'amount', p.amount, 'currency', p.currency,
                                        'balance_after', p.balance_after) ORDER BY p.line) AS lines
    FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
    WHERE p.entry_id = e.id AND p.booked_on = e.booked_on AND a.id = ANY (%(accounts)s)) own
ORDER BY found.at {order}
"""
