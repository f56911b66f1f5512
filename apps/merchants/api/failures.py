"""Requests with unknown keys, limited by the address they come from.

A good key never gets here: the gate asks before it looks up a key that this process does not know, and
counts only what nobody's key was. Redis counts for all processes together; each remembers which
addresses it has seen over the limit, so that these cost neither Redis nor PostgreSQL anything more.
"""

import time
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from math import ceil

from django.conf import settings

from apps.merchants.api import limits
from apps.merchants.errors import TooManyFailures

WINDOW_S = 60
_MAX_ADDRESSES = 10_000

# KEYS: the address. ARGV: milliseconds that are counted together. Answers: how many, and how long the count still lasts.
COUNT = """
local failed = redis.call('INCR', KEYS[1])
if failed == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {failed, redis.call('PTTL', KEYS[1])}
"""

_over: dict[str, float] = {}  # address → until when (monotonic) its unknown keys are refused unseen
_counts: dict[str, tuple[int, float]] = {}  # without Redis: address → failures, and until when they count


def refuse(headers: Mapping[str, str]) -> None:
    """Raises TooManyFailures if too many unknown keys came from this address (WSGI names) lately."""
    if not _over:
        return
    address = _address(headers)
    left_s = _over.get(address, 0.0) - time.monotonic()
    if left_s > 0:
        raise TooManyFailures(seconds=ceil(left_s))
    _over.pop(address, None)


def count(headers: Mapping[str, str]) -> None:
    """One more unknown key came from this address.  Raises: TooManyFailures."""
    if address := _address(headers):
        _judge(address, limits.evaluate(COUNT, *_arguments(address)))


async def acount(headers: Mapping[str, str]) -> None:
    """The same on the event loop."""
    if address := _address(headers):
        _judge(address, await limits.aevaluate(COUNT, *_arguments(address)))


def forget() -> None:
    """No address is over the limit as far as this process knows."""
    _over.clear()
    _counts.clear()


def _arguments(address: str) -> tuple[int | str, ...]:
    return 1, f"rl:failed:{address}", WINDOW_S * 1000


def _judge(address: str, counted: list[int] | None) -> None:
    failed, left_ms = counted or _counted_here(address)
    if failed > settings.FAILURES_PER_ADDRESS:
        left_s = max(left_ms, 1) / 1000
        _make_room(_over)
        _over[address] = time.monotonic() + left_s
        raise TooManyFailures(seconds=ceil(left_s))


def _counted_here(address: str) -> tuple[int, int]:
    """As Redis would say if all processes failed alike: this one has a part of the limit only."""
    now = time.monotonic()
    failed, until = _counts.get(address, (0, 0.0))
    if until <= now:
        failed, until = 0, now + WINDOW_S
        _make_room(_counts)
    _counts[address] = failed + 1, until
    return (failed + 1) * limits.LOCAL_PART, ceil((until - now) * 1000)


def _make_room(entries: dict[str, float] | dict[str, tuple[int, float]]) -> None:
    while len(entries) >= _MAX_ADDRESSES:
        entries.pop(next(iter(entries)), None)


def _address(headers: Mapping[str, str]) -> str:
    """Who connects, as the server or its trusted proxy says; of IPv6 the network of one customer. Empty
    where nobody says: a limit for everybody together would be a way to shut all of them out."""
    given = headers.get("REMOTE_ADDR", "")
    try:
        address = ip_address(given)
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
    return given
