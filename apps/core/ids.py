"""Object ids: a UUIDv7 in the database, a TypeID in the API.

A TypeID is `<prefix>_<26 characters>`: the 128 bits of the UUID in Crockford base32
(https://github.com/jetify-com/typeid/tree/main/spec). Ids made later sort later, in both forms.
"""

import re
from uuid import UUID

import msgspec
import uuid_utils
from ulid_transform import bytes_to_ulid, ulid_to_bytes

from apps.core.errors import InvalidId

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_SUFFIX = re.compile(rf"[0-7][{ALPHABET}]{{25}}")


def new_id() -> UUID:
    """A new UUIDv7: time-ordered to the millisecond, random below it. (msgspec makes UUIDs in C, without the
    checks of their constructor; a payment that is confirmed has nine of them.)"""
    return msgspec.convert(uuid_utils.uuid7().bytes, UUID)


def lowest(second: float) -> UUID:
    """No id that is made at that Unix second (from 1970 on) or later is lower."""
    return UUID(int=max(int(second * 1000), 0) << 80)


def new_text(prefix: str) -> str:
    """The TypeID text of a new UUIDv7, for what is never a UUID."""
    return encode(prefix, uuid_utils.uuid7().bytes)


def encode(prefix: str, value: UUID | bytes) -> str:
    """The TypeID text of `value` (a UUID or its 16 bytes), for example `pi_01jd3v6q8e…`. The 26 characters are those of a ULID of the
    same bits, in lower case; the packages that make ULIDs do it in C (0.4 µs; a page of 20 payments
    with what they refer to has 250 ids)."""
    raw = value if type(value) is bytes else value.int.to_bytes(16, "big")  # type: ignore[union-attr]
    return f"{prefix}_{bytes_to_ulid(raw).lower()}"


def decode(prefix: str, text: str, param: str = "id") -> UUID:
    """The UUID in the TypeID `text`. Raises InvalidId unless it is exactly of type `prefix`."""
    head, _, suffix = text.rpartition("_")
    if head != prefix or not _SUFFIX.fullmatch(suffix):
        raise InvalidId(param=param, prefix=prefix)
    return UUID(int=int.from_bytes(ulid_to_bytes(suffix), "big"))
