"""Which way a request goes: hot (the async view) or classic (its DRF twin)."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import UUID

# Every endpoint that has both, by the name that people switch it by.
ENDPOINTS = (
    "payment_intents.create",
    "payment_intents.list",
    "payment_intents.retrieve",
    "payment_intents.confirm",
    "payment_intents.capture",
    "payment_intents.cancel",
    "refunds.create",
    "transfers.create",
    "balance.retrieve",
)
# In the place of an endpoint's name: all of them.
EVERY = "*"
HOT, CLASSIC = "hot", "classic"
_SHARES = 10_000


@dataclass(frozen=True, slots=True)
class Rule:
    """`hot_percent` of the requests to `endpoint` (or EVERY) by `merchant_id` (None: all) go hot; the
    others go classic."""

    endpoint: str
    merchant_id: UUID | None
    hot_percent: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What the rules say about one endpoint: the share of `merchants` that have their own, and of the
    others. Percent of their requests that go hot."""

    others: int = 100
    merchants: Mapping[UUID, int] = field(default_factory=lambda: MappingProxyType({}))

    def is_hot(self, merchant_id: UUID, token: str) -> bool:
        """Whether a request goes hot. The same merchant and token (its idempotency key, or else the
        request's own id) always go the same way, and a higher share only adds to those that go hot."""
        percent = self.merchants.get(merchant_id, self.others) if self.merchants else self.others
        if percent >= 100 or percent <= 0:
            return percent >= 100
        return place(merchant_id, token) < percent * _SHARES // 100


def place(merchant_id: UUID, token: str) -> int:
    """Where a request stands among the 10,000 places that are shared out, evenly and for good."""
    digest = hashlib.blake2b(token.encode("utf-8", "surrogatepass"), digest_size=8, key=merchant_id.bytes).digest()
    return int.from_bytes(digest) % _SHARES


def plans(rules: Iterable[Rule]) -> dict[str, Plan]:
    """Every endpoint's plan. The most specific rule wins: endpoint and merchant, endpoint, merchant,
    everything; without any, hot."""
    said = {(rule.endpoint, rule.merchant_id): rule.hot_percent for rule in rules}
    return {endpoint: _plan(endpoint, said) for endpoint in ENDPOINTS}


def _plan(endpoint: str, said: Mapping[tuple[str, UUID | None], int]) -> Plan:
    own = said.get((endpoint, None))
    merchants = {merchant: percent for (name, merchant), percent in said.items() if merchant and name == EVERY and own is None}
    merchants |= {merchant: percent for (name, merchant), percent in said.items() if merchant and name == endpoint}
    return Plan(own if own is not None else said.get((EVERY, None), 100), merchants)
