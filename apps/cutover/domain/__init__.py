"""Which way a request goes: hot (the async view) or classic (its DRF twin)."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Above what an endpoint is turned classic: percent, and among at least how many. None: never."""

    max_error_percent: Decimal | None
    min_requests: int
    window_s: int
    max_difference_percent: Decimal | None
    min_compared: int


@dataclass(frozen=True, slots=True)
class Seen:
    """How many hot requests there were and how many failed, within how many seconds; how many answers
    were compared with the twin's and how many differed, and where most of them did."""

    requests: int = 0
    failures: int = 0
    seconds: int = 0
    compared: int = 0
    differing: int = 0
    mostly: str = ""


def complaint(allowed: Thresholds, seen: Seen) -> str | None:
    """Why an endpoint may not stay hot; None if it may."""
    if _too_many(seen.failures, seen.requests, allowed.min_requests, allowed.max_error_percent):
        what = f"{seen.failures} of {seen.requests} hot requests failed within {seen.seconds} s"
        return f"{what} ({_share(seen.failures, seen.requests, allowed.max_error_percent)})"
    if _too_many(seen.differing, seen.compared, allowed.min_compared, allowed.max_difference_percent):
        what = f"{seen.differing} of {seen.compared} answers differ from the classic ones"
        where = f", mostly in: {seen.mostly}" if seen.mostly else ""
        return f"{what} ({_share(seen.differing, seen.compared, allowed.max_difference_percent)}){where}"
    return None


def _too_many(bad: int, all: int, least: int, most: Decimal | None) -> bool:
    """Whether more than `most` percent are bad, of at least `least`. Where there are fewer, those to come are
    taken to be good: what would be too many even so is too many now."""
    return most is not None and bad * 100 > max(all, least) * most


def _share(part: int, whole: int, most: Decimal | None) -> str:
    return f"{100 * part / whole:.1f} %; at most {(most or Decimal()).normalize():f} % may"
