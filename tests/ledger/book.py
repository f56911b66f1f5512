"""What the ledger's tests book with."""

import time
from typing import Any
from uuid import UUID, uuid4

import psycopg
from django.conf import settings

from apps.core import db, ids
from apps.ledger import selectors, services
from apps.ledger.domain import merchant_account, platform_account


class Book:
    """One merchant's accounts in test mode, and commands that move money between them."""

    def __init__(self) -> None:
        self.merchant: UUID = uuid4()

    def code(self, name: str, currency: str = "eur") -> str:
        return merchant_account(self.merchant, False, name, currency)

    def house(self, name: str, currency: str = "eur") -> str:
        return platform_account(False, name, currency)

    def entry(self, *postings: tuple[str, int], **more: Any) -> dict[str, Any]:
        lines = [{"account": account, "amount": amount} for account, amount in postings]
        return {"id": ids.new_id(), "kind": "test", "source": f"t_{uuid4().hex}", "livemode": False, "postings": lines} | more

    def fund(self, amount: int, **more: Any) -> dict[str, Any]:
        return self.entry((self.house("bank.test"), amount), (self.code("available"), -amount), **more)

    def spend(self, amount: int, **more: Any) -> dict[str, Any]:
        return self.entry((self.code("available"), amount), (self.house("bank.test"), -amount), **more)

    def available(self) -> int:
        return selectors.balance(self.code("available"))

    def pending(self) -> int:
        return selectors.balance(self.code("pending"))


def codes(outcomes: list[dict[str, Any]]) -> list[str]:
    return [outcome.get("error", "ok") for outcome in outcomes]


def post_apart(*commands: dict[str, Any], connection: "psycopg.Connection | None" = None) -> list[dict[str, Any]]:
    """The outcomes of one call on a connection of its own (or on `connection`), for races."""
    if connection is None:
        with psycopg.connect(settings.DATABASE_DSN, autocommit=True) as own:
            return post_apart(*commands, connection=own)
    return connection.execute("SELECT ledger_post(%s::jsonb)", [db.encode(commands)]).fetchone()[0]


def seal_all(seconds: float = 20.0) -> int:
    """Everything booked so far is sealed; how many that were now. Transactions of other databases on the
    same server hold the sealer up while they run."""
    until, sealed = time.monotonic() + seconds, 0
    while db.query("SELECT EXISTS (SELECT FROM ledger_entry WHERE seal_no IS NULL) AS some")[0]["some"]:
        sealed += services.seal()
        assert time.monotonic() < until, "the sealer does not get through"
    return sealed
