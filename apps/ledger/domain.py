"""What the ledger's words mean: account codes, commands, signs."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from apps.core import ids

# Codes are {scope}:{name}:{currency}; the scope says whose account it is and whether in test mode.
CODE = re.compile(r"(platform|acct_[0-9a-z]{26})(-test)?:([a-z_]+(?:\.[A-Za-z0-9_-]+)?):([a-z]{3})")


@dataclass(frozen=True, slots=True)
class AccountCode:
    """A parsed account code; `merchant_id` is None for the house's own accounts."""

    merchant_id: UUID | None
    livemode: bool
    name: str
    currency: str


@lru_cache(maxsize=4096)
def merchant_account(merchant_id: UUID, livemode: bool, name: str, currency: str) -> str:
    """For example `acct_01h…-test:available:eur`."""
    return f"{ids.encode('acct', merchant_id)}{'' if livemode else '-test'}:{name}:{currency}"


@lru_cache(maxsize=1024)
def platform_account(livemode: bool, name: str, currency: str) -> str:
    """For example `platform:fees:eur`."""
    return f"platform{'' if livemode else '-test'}:{name}:{currency}"


def parse_code(code: str) -> AccountCode:
    """Raises ValueError for what is not an account code."""
    found = CODE.fullmatch(code)
    if found is None:
        raise ValueError(f"{code!r} is not an account code")
    scope, test, name, currency = found.groups()
    merchant_id = None if scope == "platform" else ids.decode("acct", scope)
    return AccountCode(merchant_id, test is None, name, currency)


@dataclass(frozen=True, slots=True)
class Posting:
    """`amount` minor units on the account; positive is a debit, negative a credit."""

    account: str
    amount: int

    def __post_init__(self) -> None:
        if type(self.amount) is not int or self.amount == 0:
            raise ValueError(f"an amount is a whole count of minor units and not zero, not {self.amount!r}")


def debit(account: str, amount: int) -> Posting:
    """What assets and expenses gain, and what the house owes less."""
    return Posting(account, amount)


def credit(account: str, amount: int) -> Posting:
    """What the house owes or earns, and what assets lose."""
    return Posting(account, -amount)


def entry(*postings: Posting, kind: str, source: str, livemode: bool, **more: Any) -> dict[str, Any]:
    """A command for `ledger_post`. `more`: booked_on (business date, today), sequence, effective_at,
    reverses, metadata, holds, settles."""
    lines = [{"account": posting.account, "amount": posting.amount} for posting in postings]
    return {"id": ids.new_id(), "kind": kind, "source": source, "livemode": livemode, "postings": lines} | more


@dataclass(frozen=True, slots=True)
class Posted:
    """What `ledger_post` answered: the entry (None when there were only holds) and the balances of the
    guarded accounts afterwards, {code: {"posted": minor, "held": minor}}."""

    entry_id: UUID | None
    booked_on: date
    balances: Mapping[str, Mapping[str, int]]


def posted(answer: Mapping[str, Any]) -> Posted:
    entry = answer["entry_id"]
    return Posted(UUID(entry) if entry else None, date.fromisoformat(answer["booked_on"]), answer["balances"])


def mirror(postings: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    """The postings that undo these (account code, amount)."""
    return [{"account": account, "amount": -amount} for account, amount in postings]
