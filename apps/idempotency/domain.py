"""What makes two requests the same one."""

import hashlib
from typing import Any
from uuid import UUID

from msgspec import Struct

from apps.idempotency.errors import IdempotencyKeyInvalid

MAX_KEY = 255
# Who comes with a key whose request still runs waits so long for its answer, seconds, and asks so often.
WAIT_S, POLL_S = 2.0, 0.05


class Answer(Struct, frozen=True, gc=False):
    """What a write ends in. `replayed`: these are the stored bytes of an earlier request. `kept`: these are
    the bytes that are stored under the key, for good; only such an answer may be shown again."""

    status: int
    body: bytes
    replayed: bool = False
    kept: bool = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Answer) and (self.status, self.body, self.replayed) == (other.status, other.body, other.replayed)

    def __hash__(self) -> int:
        return hash((self.status, self.body, self.replayed))


class RequestKey(Struct, frozen=True, gc=False):
    """A write's identity: the merchant's key (None when none was sent) and the 32-byte fingerprint of
    what was asked. `method_path` is for people, for example `POST /v1/refunds`."""

    merchant_id: UUID
    livemode: bool
    key: str | None
    fingerprint: bytes
    method_path: str

    def claim(self, object_id: UUID | None = None) -> dict[str, Any]:
        """The argument of the SQL functions `idempotency_claim`, `_finish` and `_release`. `object_id`
        is the object that this request is about to make, for whoever takes over after a crash."""
        return {
            "merchant_id": self.merchant_id,
            "livemode": self.livemode,
            "key": self.key,
            "fingerprint": self.fingerprint.hex(),
            "object_id": object_id,
        }


def fingerprint(method: str, path: str, canonical_body: bytes) -> bytes:
    """SHA-256 over method, path and the canonical body."""
    return hashlib.sha256(b"\n".join((method.encode(), path.encode(), canonical_body))).digest()


def checked_key(values: list[str]) -> str | None:
    """The key in the values of all Idempotency-Key headers of a request; None without any."""
    if not values:
        return None
    if len(values) > 1:
        raise IdempotencyKeyInvalid(reason="the header was sent more than once.")
    key = values[0]
    if not key or len(key) > MAX_KEY:
        raise IdempotencyKeyInvalid(reason=f"it must have 1 to {MAX_KEY} characters.")
    if not (key.isascii() and key.isprintable()):
        raise IdempotencyKeyInvalid(reason="it must be printable ASCII.")
    return key
