"""Object ids: a UUIDv7 in the database, a TypeID in the API.

A TypeID is `<prefix>_<26 characters>`: the 128 bits of the UUID in Crockford base32
(https://github.com/jetify-com/typeid/tree/main/spec). Ids made later sort later, in both forms.
"""

from functools import lru_cache
from uuid import UUID

import uuid_utils

from apps.core.errors import InvalidId

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
_SUFFIX_LENGTH = 26


def new_id() -> UUID:
    """A new UUIDv7: time-ordered to the millisecond, random below it."""
    return UUID(int=uuid_utils.uuid7().int)


@lru_cache(maxsize=8192)
def encode(prefix: str, value: UUID) -> str:
    """The TypeID text of `value`, for example `pi_01jd3v6q8e…`. Remembered: a request writes the same
    few ids several times, and its merchant's in every request."""
    number = value.int
    pairs = []
    for _ in range(_SUFFIX_LENGTH // 2):
        pairs.append(_PAIRS[number & 0x3FF])
        number >>= 10
    pairs.reverse()
    return prefix + "_" + "".join(pairs)


def decode(prefix: str, text: str, param: str = "id") -> UUID:
    """The UUID in the TypeID `text`. Raises InvalidId unless it is exactly of type `prefix`."""
    head, separator, suffix = text.rpartition("_")
    if head != prefix or not separator or len(suffix) != _SUFFIX_LENGTH or suffix[0] > "7":
        raise InvalidId(param=param, prefix=prefix)
    number = 0
    for character in suffix:
        value = _VALUES.get(character)
        if value is None:
            raise InvalidId(param=param, prefix=prefix)
        number = number << 5 | value
    return UUID(int=number)
