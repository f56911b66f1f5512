"""The gate: who calls, and may they.

A key is looked up by its SHA-256 and kept in the process for at most half a second, so a revoked key
dies in every process within a second, with or without Redis. Whoever has to look on the event loop also looks for the
others that are in use and have to be looked at soon, so that many keys cost few statements. Unknown keys are remembered for a tenth
of a second, in bounded numbers, so that hammering with one costs little.
"""

import asyncio
import base64
import binascii
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import psycopg
import structlog
from django.db import Error as DatabaseError
from msgspec import Struct, structs

from apps.core import flow
from apps.core.errors import Overloaded
from apps.merchants import flows
from apps.merchants.api import failures
from apps.merchants.domain import Caller, hashed
from apps.merchants.errors import ApiKeyMissing, AuthenticationFailed, InsufficientScope

KNOWN_S = 0.5
UNKNOWN_S = 0.1
# A key that is used in the last half of its time is looked at again with the next one whose time is over.
_SOON_S = 0.25
_MOST_AT_ONCE = 200
_MAX_ENTRIES = 10_000
_TOUCH_S = 60.0
_MAX_KEY_LENGTH = 255

log = structlog.get_logger(__name__)


class _Entry(Struct, frozen=True):
    """Whose key it is, as it was looked up; None if there is none. `until`: monotonic seconds."""

    caller: Caller | None
    until: float


_entries: dict[bytes, _Entry] = {}
_soon: set[bytes] = set()
_asked: dict[bytes, asyncio.Task[dict[bytes, _Entry]]] = {}
_touched: dict[UUID, float] = {}
_touching: set[asyncio.Task[None]] = set()


def authenticate(headers: Mapping[str, str], request_id: str) -> Caller:
    """Whose key is in `headers` (WSGI names). Raises: ApiKeyMissing, AuthenticationFailed, TooManyFailures."""
    sha256 = hashed(_secret(headers))
    entry = _remembered(sha256)
    if entry is None:
        _refuse_guesses(sha256, headers)
        asked_at = time.monotonic()
        entry = _remember(sha256, flow.run(flows.look_up_keys([sha256])).get(sha256), asked_at)
        if entry.caller is not None and _touch_is_due(entry.caller):
            flow.run(flows.touch_key(entry.caller.key_id))
    if entry.caller is None:
        failures.count(headers)
        raise AuthenticationFailed()
    return structs.replace(entry.caller, request_id=request_id)


def known(headers: Mapping[str, str], request_id: str) -> Caller | None:
    """Whose key is in `headers`, where this process has looked it up a moment ago: nobody waits, so there is no
    coroutine. None where `aauthenticate` is to say.  Raises: ApiKeyMissing, AuthenticationFailed."""
    entry = _remembered(hashed(_secret(headers)))
    if entry is None or entry.caller is None:
        return None
    return structs.replace(entry.caller, request_id=request_id)


async def aauthenticate(headers: Mapping[str, str], request_id: str) -> Caller:
    """What `authenticate` does, for async views: one look-up at a time per key, however many requests wait for it."""
    sha256 = hashed(_secret(headers))
    entry = _remembered(sha256)
    if entry is None:
        _refuse_guesses(sha256, headers)
        entry = await _asked_once(sha256)
    if entry.caller is None:
        await failures.acount(headers)
        raise AuthenticationFailed()
    return structs.replace(entry.caller, request_id=request_id)


def _refuse_guesses(sha256: bytes, headers: Mapping[str, str]) -> None:
    """A key that was good a while ago is looked up again wherever it comes from; any other only from an
    address that has not tried too many."""
    known = _entries.get(sha256)
    if known is None or known.caller is None:
        failures.refuse(headers)


def require(caller: Caller, scope: str | None) -> None:
    """Raises InsufficientScope unless the caller's key has `scope`."""
    if scope is not None and not caller.may(scope):
        raise InsufficientScope(scope=scope)


def forget() -> None:
    """The next request of every key looks it up again, in this process."""
    _entries.clear()
    _soon.clear()
    _touched.clear()


def _secret(headers: Mapping[str, str]) -> str:
    """The key from `Authorization: Bearer <key>`, or Basic with the key as user name."""
    sent = headers.get("HTTP_AUTHORIZATION", "")
    credentials = sent[7:].strip() if sent.startswith("Bearer ") else _unusual(sent)
    if not credentials or len(credentials) > _MAX_KEY_LENGTH:
        raise AuthenticationFailed()
    return credentials


def _unusual(sent: str) -> str:
    scheme, _, rest = sent.strip().partition(" ")
    if not scheme:
        raise ApiKeyMissing()
    if scheme.lower() == "basic":
        return _user_name(rest.strip())
    if scheme.lower() != "bearer":
        raise AuthenticationFailed()
    return rest.strip()


def _user_name(credentials: str) -> str:
    try:
        text = base64.b64decode(credentials, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise AuthenticationFailed() from None
    return text.partition(":")[0]


def _remembered(sha256: bytes) -> _Entry | None:
    entry = _entries.get(sha256)
    if entry is None:
        return None
    left = entry.until - time.monotonic()
    if left < _SOON_S and entry.caller is not None and len(_soon) < _MOST_AT_ONCE:
        _soon.add(sha256)
    return entry if left > 0 else None


def _remember(sha256: bytes, key: dict[str, Any] | None, asked_at: float) -> _Entry:
    kept_s, caller = UNKNOWN_S, None
    if key is not None:
        kept_s = KNOWN_S if key["seconds_left"] is None else min(KNOWN_S, key["seconds_left"])
        caller = _caller(key)
    entry = _Entry(caller, asked_at + kept_s)
    while len(_entries) >= _MAX_ENTRIES:
        _entries.pop(next(iter(_entries)), None)
    _entries.pop(sha256, None)
    _entries[sha256] = entry
    return entry


async def _asked_once(sha256: bytes) -> _Entry:
    task = _asked.get(sha256)
    if task is None or task.get_loop() is not asyncio.get_running_loop():
        hashes = list(_soon | {sha256})
        _soon.clear()
        task = asyncio.ensure_future(_ask(hashes))
        _asked.update(dict.fromkeys(hashes, task))
        task.add_done_callback(_answered)
    return (await asyncio.shield(task))[sha256]


def _answered(task: asyncio.Task[dict[bytes, _Entry]]) -> None:
    for sha256 in [sha256 for sha256, asked in _asked.items() if asked is task]:
        del _asked[sha256]


async def _ask(hashes: list[bytes]) -> dict[bytes, _Entry]:
    asked_at = time.monotonic()
    found = await flow.arun(flows.look_up_keys(hashes))
    entries = {sha256: _remember(sha256, found.get(sha256), asked_at) for sha256 in hashes}
    for entry in entries.values():
        if entry.caller is not None and _touch_is_due(entry.caller):
            task = asyncio.ensure_future(_touch(entry.caller))
            _touching.add(task)
            task.add_done_callback(_touching.discard)
    return entries


def _caller(key: dict[str, Any]) -> Caller:
    """The caller of requests that have no id yet."""
    return Caller(
        merchant_id=key["merchant_id"],
        livemode=key["livemode"],
        key_id=key["key_id"],
        scopes=frozenset(key["scopes"]),
        request_id="",
        require_idempotency_key=key["require_idempotency_key"],
        default_currency=key["default_currency"],
        limit_per_key=key["limit_per_key"],
        limit_per_merchant=key["limit_per_merchant"],
    )


def _touch_is_due(caller: Caller) -> bool:
    """Asked whenever a key is looked up, which is more often than a touch is due."""
    now = time.monotonic()
    if now - _touched.get(caller.key_id, -_TOUCH_S) < _TOUCH_S:
        return False
    _touched[caller.key_id] = now
    return True


async def _touch(caller: Caller) -> None:
    try:
        await flow.arun(flows.touch_key(caller.key_id))
    except (psycopg.Error, DatabaseError, Overloaded) as error:
        # Nobody waits for this; the next minute tries again.
        log.warning("key.touch_failed", error=type(error).__name__)
