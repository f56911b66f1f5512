"""A merchant's month as ledger entries, and its close, without the payments that would cause them."""

from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

from apps.core import db, ids
from apps.ledger import services as ledger
from apps.ledger.domain import merchant_account, platform_account
from apps.statements import services
from tests.factories import MadeMerchant

Changes = dict[str, int]


def months(first: date = date(2021, 1, 1)) -> Iterator[date]:
    """One month after the other: closing a month closes all before it, so every test takes the next."""
    while True:
        yield first
        first = (first + timedelta(days=32)).replace(day=1)


def book(merchant: UUID, day: date, kind: str, changes: Changes, *, fee: int = 0, currency: str = "eur", livemode: bool = True) -> str:
    """One entry: the merchant's accounts change (credits positive), the platform charges `fee`, the
    gateway owes the difference. Returns the entry's source."""
    source = ids.encode("ch", ids.new_id())
    postings = [{"account": merchant_account(merchant, livemode, name, currency), "amount": -amount} for name, amount in changes.items()]
    if fee:
        postings.append({"account": platform_account(livemode, "fees", currency), "amount": -fee})
    rest = -sum(posting["amount"] for posting in postings)
    if rest:
        postings.append({"account": platform_account(livemode, "gateway_receivable.sandbox", currency), "amount": rest})
    ledger.post({"id": ids.new_id(), "kind": kind, "booked_on": day, "source": source, "livemode": livemode, "postings": postings})
    return source


def busy_month(merchant: UUID, month: date, *, currency: str = "eur", livemode: bool = True) -> None:
    """Two payments, a release, a refund and a payout: 12,000 gross, 378 fees, 1,000 back, 4,000 out."""
    for day, kind, changes, fee in (
        (1, "capture", {"pending": 9680}, 320),
        (3, "funds_available", {"pending": -9680, "available": 9680}, 0),
        (3, "capture", {"pending": 1942}, 58),
        (20, "refund", {"available": -1000}, 0),
        (28, "payout", {"available": -4000, "payouts_in_transit": 4000}, 0),
    ):
        book(merchant, month.replace(day=day), kind, changes, fee=fee, currency=currency, livemode=livemode)


def plan_closed(month: date, *merchants: MadeMerchant) -> list[str]:
    """The month is closed in the ledger and its statements are planned; returns the work (of the
    merchants named, or all)."""
    ledger.set_period(month=month, status="closed")
    services.plan(month=month)
    wanted = [merchant.id for merchant in merchants] or [row["merchant_id"] for row in _work(month)]
    return [str(row["id"]) for row in _work(month) if row["merchant_id"] in wanted]


def _work(month: date) -> list[dict]:
    return db.query("SELECT id, merchant_id FROM statements_work WHERE month = %s ORDER BY id", [month])


def issued(month: date, *merchants: MadeMerchant) -> int:
    """The month is closed and its statements are issued; returns how many were tried."""
    return services.work_off(work_ids=plan_closed(month, *merchants))


def statements_of(merchant: UUID) -> list[dict]:
    return db.query("SELECT * FROM statements_statement WHERE merchant_id = %s ORDER BY month, livemode, currency", [merchant])


def forget_leases() -> None:
    """The leases of dead workers have run out."""
    db.query("UPDATE statements_work SET lease_until = clock_timestamp() - interval '1 second' WHERE lease_until IS NOT NULL")
    db.query("UPDATE statements_delivery SET lease_until = clock_timestamp() - interval '1 second' WHERE lease_until IS NOT NULL")
