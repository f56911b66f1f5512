"""Payments as lines for the staging table, made up from a seed."""

import random
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import accumulate
from uuid import UUID

from apps.core import ids
from apps.payments.domain import fees
from benchmarks.asked import AMOUNT
from benchmarks.history.people import Merchant, made_id, merchants

BASIS_POINTS, FIXED_MINOR, AVAILABILITY_DAYS = 290, 30, 2
CARDS = 6
# What becomes of a thousand payments: the last of each kind.
_OUTCOMES = (("paid", 900), ("declined", 940), ("abandoned", 980), ("canceled", 1000))

STAGING = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged (  -- lint: allow session-state because the loader keeps one direct connection
    n int, at timestamptz, outcome text, merchant int, amount bigint, fee bigint, available_on date, released_at timestamptz,
    intent_id uuid, attempt_id uuid, charge_id uuid, transaction_id uuid, entry_id uuid, release_id uuid,
    method_id uuid, customer_id uuid, is_new_method boolean, is_new_customer boolean, card int,
    pi text, ch text, pm text, txn text, is_recent boolean
) ON COMMIT DELETE ROWS
"""


@dataclass(frozen=True)
class Plan:
    """`payments` spread evenly from `begins` to `until`, in chunks; those after `recent_from` leave
    events and idempotency records."""

    seed: int
    payments: int
    begins: datetime
    until: datetime
    recent_from: datetime
    chunk: int

    @property
    def chunks(self) -> int:
        return -(-self.payments // self.chunk)


@dataclass
class _Wallets:
    """The cards of one merchant's customers that a chunk has seen; a third of its payments bring a new one."""

    chance: random.Random
    known: dict[int, list[tuple[str, str | None]]] = field(default_factory=dict)

    def take(self, seller: Merchant, at: datetime) -> tuple[str, str | None, bool]:
        """(card, customer, whether both are new)."""
        mine = self.known.setdefault(seller.number, [])
        if mine and self.chance.random() < 0.7:
            return (*self.chance.choice(mine), False)
        customer = made_id(at, 6, self.chance) if seller.has_one_price or self.chance.random() < 0.7 else None
        mine.append((made_id(at, 7, self.chance), customer))
        return (*mine[-1], True)


def lines(plan: Plan, number: int) -> Iterator[tuple]:
    """The rows of chunk `number` for COPY, oldest first."""
    chance = random.Random(f"{plan.seed}:{plan.payments}:{number}")
    sellers = merchants(plan.seed)
    shares = list(accumulate(seller.weight for seller in sellers))
    wallets = _Wallets(chance)
    step = (plan.until - plan.begins) / plan.payments
    for n in range(number * plan.chunk, min(plan.payments, (number + 1) * plan.chunk)):
        at = plan.begins + step * (n + chance.random())
        seller = sellers[bisect(shares, chance.random() * shares[-1])]
        yield _line(plan, n, at, seller, wallets, chance)


def _line(plan: Plan, n: int, at: datetime, seller: Merchant, wallets: _Wallets, chance: random.Random) -> tuple:
    outcome, amount = _bargain(seller, chance)
    due = _available_on(at.date())
    releases_at = datetime.combine(due, time(1), UTC) + timedelta(microseconds=n % 3_600_000_000)
    released_at = releases_at if outcome == "paid" and releases_at < plan.until else None
    intent_id, charge_id, transaction_id = (made_id(at, kind, chance) for kind in (1, 3, 4))
    method, customer, is_new = wallets.take(seller, at) if outcome in ("paid", "declined") else (None, None, False)
    is_recent = at >= plan.recent_from
    return (
        n, at, outcome, seller.number, amount, _fee(amount), due, released_at,
        intent_id, made_id(at, 2, chance), charge_id, transaction_id, made_id(at, 5, chance),
        made_id(released_at, 8, chance) if released_at else None,
        method, customer, is_new, is_new and customer is not None, chance.randrange(CARDS),
        _api_id("pi", intent_id), _api_id("ch", charge_id), _api_id("pm", method) if is_recent and method else None,
        _api_id("txn", transaction_id) if is_recent else None, is_recent,
    )  # fmt: skip


def _bargain(seller: Merchant, chance: random.Random) -> tuple[str, int]:
    """What becomes of a payment, and its amount in minor units."""
    if seller.has_one_price:
        return "paid", AMOUNT
    fate = chance.randrange(1000)
    return next(name for name, last in _OUTCOMES if fate < last), 300 + int(chance.expovariate(1 / 4500))


def _api_id(prefix: str, text: str) -> str:
    return ids.encode(prefix, UUID(text))


@cache
def _available_on(day: date) -> date:
    return fees.available_on(day, business_days=AVAILABILITY_DAYS)


@cache
def _fee(amount: int) -> int:
    return fees.fee_for(amount, basis_points=BASIS_POINTS, fixed_minor=FIXED_MINOR)
