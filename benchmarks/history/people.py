"""The merchants of a history: the same ones for the same seed."""

import hashlib
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from apps.core import ids
from apps.merchants.domain import hashed

MERCHANTS = 200
_JOINED = datetime(2020, 1, 1, tzinfo=UTC)
# How the share of a merchant falls with its rank.
_SKEW = 1.05


@dataclass(frozen=True)
class Merchant:
    """`weight`: its share of the payments, relative to the others'."""

    number: int
    id: UUID
    secret: str
    currency: str
    weight: float

    @property
    def has_one_price(self) -> bool:
        """The largest sells one thing for one price to customers whom it knows, and all of them pay."""
        return self.number == 0


def merchants(seed: int) -> list[Merchant]:
    """The largest first."""
    return [_merchant(seed, number) for number in range(MERCHANTS)]


def _merchant(seed: int, number: int) -> Merchant:
    chance = random.Random(f"{seed}:merchant:{number}")
    currency = ("eur", "eur", "eur", "eur", "usd", "gbp")[number % 6]
    secret = f"sk_test_{hashlib.sha256(f'history:{seed}:{number}'.encode()).hexdigest()[:43]}"
    return Merchant(number, UUID(made_id(_JOINED, 0, chance)), secret, currency, 1 / (number + 1) ** _SKEW)


def made_id(at: datetime, kind: int, chance: random.Random) -> str:
    """A UUIDv7 of that moment as 32 hexadecimal digits; ids of different `kind` (0 to 15) never clash."""
    low = chance.getrandbits(68)
    return f"{int(at.timestamp() * 1000):012x}7{kind:x}{low >> 60:02x}8{low & 0xFFF_FFFF_FFFF_FFFF:015x}"


def lowest_id(at: datetime) -> UUID:
    """No id made at that moment or later is lower."""
    return ids.lowest(at.timestamp())


def enrol(seed: int) -> None:
    """The merchants exist, each with a key."""
    from apps.merchants.models import ApiKey, PricingPlan
    from apps.merchants.models import Merchant as Row

    plan = PricingPlan.objects.get(name="Standard")
    for made in merchants(seed):
        about = {
            "name": f"History {made.number}", "legal_name": f"History {made.number} B.V.", "email": f"books{made.number}@history.example",
            "country": "NL", "default_currency": made.currency, "pricing_plan": plan, "created": _JOINED,
        }  # fmt: skip
        row, is_new = Row.objects.get_or_create(id=made.id, defaults=about)
        if is_new:
            key = {"prefix": made.secret[:8], "last4": made.secret[-4:], "sha256": hashed(made.secret), "created": _JOINED}
            ApiKey.objects.create(id=ids.new_id(), merchant=row, livemode=False, **key)
