"""Who calls, and what a key is."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from apps.core import ids

# The topic under which price lists are cached.
PRICING = "merchants.pricing"
# What a key can be restricted to. A key without scopes may do everything.
SCOPES = frozenset(
    f"{area}:{right}"
    for area in (
        "account",
        "payments",
        "customers",
        "refunds",
        "transfers",
        "balance",
        "events",
        "webhooks",
        "ledger",
        "statements",
        "reconciliation",
    )
    for right in ("read", "write")
)
# What a merchant's settings may hold.
SETTINGS: dict[str, type] = {"require_idempotency_key": bool, "limit_per_key": int, "limit_per_merchant": int}
MAX_LIMIT = 1_000_000
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_LENGTH = 43  # 62**43 > 2**256
KEY_IN_TEXT = re.compile(r"\b[sr]k_(?:live|test)_[0-9A-Za-z]{8,}")


class Caller(Struct, frozen=True):
    """Whose key a request carries. `scopes` empty: everything. Limits are requests a second."""

    merchant_id: UUID
    livemode: bool
    key_id: UUID
    scopes: frozenset[str]
    request_id: str
    require_idempotency_key: bool = False
    default_currency: str = "eur"
    limit_per_key: int | None = None
    limit_per_merchant: int | None = None

    @property
    def account(self) -> str:
        """The merchant's id as the API writes it."""
        return ids.encode("acct", self.merchant_id)

    def named(self, request_id: str) -> "Caller":
        """The same caller with another request."""
        return structs.replace(self, request_id=request_id)

    def may(self, scope: str) -> bool:
        """Whether the key has `scope`; the right to write includes the right to read."""
        if not self.scopes or scope in self.scopes:
            return True
        area, _, right = scope.partition(":")
        return right == "read" and f"{area}:write" in self.scopes


def wrong_setting(settings: Mapping[str, Any]) -> str | None:
    """The name of the first setting that does not exist or has a value it cannot have; None if all are fine."""
    for name, value in settings.items():
        if type(value) is not SETTINGS.get(name) or (type(value) is int and not 1 <= value <= MAX_LIMIT):
            return name
    return None


def new_secret(*, livemode: bool) -> str:
    """A new API key: 256 random bits in base62 behind `sk_live_` or `sk_test_`."""
    number = secrets.randbits(256)
    digits = []
    for _ in range(_SECRET_LENGTH):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return f"sk_{'live' if livemode else 'test'}_{''.join(reversed(digits))}"


def hashed(secret: str) -> bytes:
    """What is stored of a key. Plain SHA-256 is enough: 256 random bits cannot be guessed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


class Rate(Struct, frozen=True, gc=False):
    """What a merchant pays: basis points of the amount plus a fixed sum in minor units; the money is
    available `availability_days` business days after the capture."""

    basis_points: int
    fixed_minor: int
    availability_days: int
