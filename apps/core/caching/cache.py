"""Static data (merchants' settings, price lists): in the process, then Redis, then PostgreSQL.

Every topic has a version in Redis that a save raises, so all its cached values are misses from then
on. A process keeps a value for at most a second without asking, which bounds how old any answer is.
Without Redis the values come from PostgreSQL each second: slower, never wrong. A value read before a
save cannot be stored under the version after it, because the version is read first. A save whose process
cannot reach Redis while others can is seen by those after _KEPT_S at the latest.

Never for a balance, nor for the state of a payment.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from django.core.cache import cache
from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import RedisError

T = TypeVar("T")

FRESH_S = 1.0
_RENEWED_S = 0.8
_KEPT_S = 10
_CIRCUIT_S = 3.0
_MAX_ENTRIES = 10_000
_DOWN = (ConnectionInterrupted, RedisError, OSError)

log = structlog.get_logger(__name__)
_values: dict[tuple[str, str], "_Value"] = {}
_closed_from = 0.0


class _Value:
    """What is kept under one key, until when, and from when somebody is to read it anew (monotonic)."""

    __slots__ = ("due", "until", "value")

    def __init__(self, value: Any, now: float) -> None:
        self.value, self.due, self.until = value, now + _RENEWED_S, now + FRESH_S


def remembered(topic: str, key: str) -> Any:
    """The process's own value, if it is less than a second old; None otherwise. A little before, one who
    asks is told None, so that one reads it anew while the crowd goes on with the value that is there."""
    found = _values.get((topic, key))
    if found is None:
        return None
    now = time.monotonic()
    if found.until <= now:
        return None
    if found.due <= now:
        found.due = found.until
        return None
    return found.value


def remember(topic: str, key: str, value: T) -> T:
    """Keeps `value` in the process for a second."""
    while len(_values) >= _MAX_ENTRIES:
        _values.pop(next(iter(_values)), None)
    _values[topic, key] = _Value(value, time.monotonic())
    return value


def through(topic: str, key: str, read: Callable[[], Any]) -> Any:
    """The value of `key`: the process's, or Redis's, or else what `read` finds in PostgreSQL. Values
    are JSON; nothing (None, an empty list) is not remembered."""
    value = remembered(topic, key)
    if value is not None:
        return value
    version = _asked(lambda: cache.get_or_set(f"{topic}:version", _first_version, timeout=None))
    shared = None if version is None else f"{topic}:{version}:{key}"
    value = None if shared is None else _asked(lambda: cache.get(shared))
    if value is None:
        value = read()
        if not value:
            return value
        if shared is not None:
            _asked(lambda: cache.set(shared, value, timeout=_KEPT_S))
    return remember(topic, key, value)


def changed(topic: str) -> None:
    """Call after the commit of a change: every value of the topic is read anew, here at once,
    elsewhere within a second."""
    for entry in [entry for entry in _values if entry[0] == topic]:
        _values.pop(entry, None)
    _asked(lambda: cache.set(f"{topic}:version", _first_version(), timeout=None))


def forget() -> None:
    """This process starts anew."""
    global _closed_from
    _values.clear()
    _closed_from = 0.0


def _first_version() -> int:
    # From the clock, not counted up: after a FLUSHALL no version comes back that was used before.
    return time.time_ns()


def _asked(question: Callable[[], T]) -> T | None:
    """Redis's answer; None while it is away (and for three seconds after it was found away)."""
    global _closed_from
    if time.monotonic() < _closed_from:
        return None
    try:
        return question()
    except _DOWN as error:
        _closed_from = time.monotonic() + _CIRCUIT_S
        log.warning("cache.bypassed", error=type(error).__name__)
        return None
