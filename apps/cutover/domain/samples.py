"""A request that was answered, as it is kept for a second answer."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.cutover.domain.comparing import Told
from apps.merchants.domain import Caller

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that the gate has let in. `headers` are those that the answer depends on, by their
    names in WSGI; the key is not among them."""

    caller: Caller
    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str]
    body: bytes = b""

    def changed(self, **changes: Any) -> "Asked":
        return replace(self, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A sample: what was asked, what was sent, and when (the machine's clock)."""

    id: UUID
    endpoint: str
    asked: Asked
    sent: Told
    read_at: datetime
    attempts: int = 0


def caller_columns(caller: Caller) -> Json:
    """`caller` as JSON: nothing of it is secret."""
    return {
        "merchant_id": str(caller.merchant_id),
        "livemode": caller.livemode,
        "key_id": str(caller.key_id),
        "scopes": sorted(caller.scopes),
        "request_id": caller.request_id,
        "require_idempotency_key": caller.require_idempotency_key,
        "default_currency": caller.default_currency,
    }


def caller_of(columns: Json) -> Caller:
    """The reverse of `caller_columns`."""
    ids = {name: UUID(columns[name]) for name in ("merchant_id", "key_id")}
    return Caller(**columns | ids | {"scopes": frozenset(columns["scopes"])})
