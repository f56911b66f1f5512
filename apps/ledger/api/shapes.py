"""Ledger reads in the API: what requests may hold and what answers look like.

A merchant sees its own accounts and its own lines of entries, never the house's or another's.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta

from apps.core.api.types import Currency, Cursor, Limit, ListParams, ObjectShape, Shape, Timestamp
from apps.core.ids import encode

Side = Literal["debit", "credit"]


class NoParams(Shape):
    """No parameters."""


class _Paged(Shape):
    """A page of a list, newest first."""

    limit: Limit = 10
    starting_after: Annotated[Cursor, Meta(description="The id after which the page starts.")] | None = None
    ending_before: Annotated[Cursor, Meta(description="The id before which the page ends.")] | None = None

    @property
    def page(self) -> ListParams:
        return ListParams(limit=self.limit, starting_after=self.starting_after, ending_before=self.ending_before)


class ListLedgerAccounts(_Paged):
    """The accounts of the key's merchant and mode, newest first."""

    currency: Currency | None = None


class ListLedgerEntries(_Paged):
    """Entries that touch the merchant's accounts, in the order of booking, newest first."""

    account: Annotated[Cursor, Meta(description="Only entries that touch this account (`acc_…`).")] | None = None


class LedgerAccount(ObjectShape):
    """An account that the platform keeps for the merchant."""

    id: str
    object: Literal["ledger.account"]
    name: Annotated[str, Meta(description="What it is for: `available`, `pending`, `reserve`…")]
    code: str
    currency: Currency
    normal_side: Side
    balance: Annotated[int, Meta(description="What was posted, on the normal side, in the currency's minor unit.")]
    held: Annotated[int, Meta(description="What of it is held back for something under way.")]
    created: Timestamp
    livemode: bool


class LedgerLine(ObjectShape):
    """A line of an entry on one of the merchant's accounts."""

    account: str
    name: str
    side: Side
    amount: Annotated[int, Meta(description="Always positive; `side` says which way it goes.")]
    currency: Currency
    balance_after: int | None


class LedgerEntry(ObjectShape):
    """A booked entry as far as it concerns the merchant."""

    id: str
    object: Literal["ledger.entry"]
    kind: str
    booked_on: Annotated[str, Meta(description="Business date, ISO 8601.")]
    created: Timestamp
    source: Annotated[str, Meta(description="The id of what caused it, for example a charge.")]
    reverses: str | None
    lines: list[LedgerLine]
    livemode: bool


def render_account(row: Mapping[str, Any]) -> dict[str, Any]:
    """The `LedgerAccount` of a row of `ledger.selectors.merchant_accounts`; amounts in minor units, on the account's normal side."""
    return {
        "id": encode("acc", row["id"]),
        "object": "ledger.account",
        "name": row["name"],
        "code": row["code"],
        "currency": row["currency"],
        "normal_side": row["normal_side"],
        "balance": row["posted"],
        "held": row["held"],
        "created": int(row["created"].timestamp()),
        "livemode": row["livemode"],
    }


def render_entry(row: Mapping[str, Any]) -> dict[str, Any]:
    """The `LedgerEntry` of a row of `ledger.selectors.merchant_entries`; amounts in minor units, never negative: `side` says which way."""
    return {
        "id": encode("ent", row["id"]),
        "object": "ledger.entry",
        "kind": row["kind"],
        "booked_on": row["booked_on"].isoformat(),
        "created": int(row["recorded_at"].timestamp()),
        "source": row["source"],
        "reverses": encode("ent", row["reverses"]) if row["reverses"] else None,
        "lines": [_line(line) for line in row["lines"]],
        "livemode": row["livemode"],
    }


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "account": encode("acc", UUID(line["account_id"])),
        "name": line["name"],
        "side": "debit" if line["amount"] > 0 else "credit",
        "amount": abs(line["amount"]),
        "currency": line["currency"],
        "balance_after": line["balance_after"],
    }
