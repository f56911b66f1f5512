"""Rate limits: a token bucket per key and one per merchant and mode, in Redis, taken from in one call.

A bucket holds as many tokens as the limit allows a second and fills at that rate. Async workers lease
tokens in small blocks, never more than Redis has granted, so that a busy key costs one call for many
requests. Without Redis each process keeps buckets of its own at a fraction of the limit: stricter,
never open.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from math import ceil
from typing import Never, TypeVar
from weakref import WeakKeyDictionary

import structlog
from django.conf import settings
from redis import Redis, RedisError
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry

from apps.merchants.domain import Caller
from apps.merchants.errors import RateLimited

K = TypeVar("K")
V = TypeVar("V")

# KEYS: the buckets. ARGV: how many tokens are wanted, then each bucket's limit per second.
# Answers: granted, left in the fuller-used bucket, milliseconds until one token is there.
TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local granted, left, wait = tonumber(ARGV[1]), nil, 0
local tokens = {}
for i, key in ipairs(KEYS) do
  local rate = tonumber(ARGV[i + 1])
  local held = redis.call('HMGET', key, 'tokens', 'at')
  local had = tonumber(held[1]) or rate
  local since = now - (tonumber(held[2]) or now)
  tokens[i] = math.min(rate, had + math.max(0, since) * rate / 1000)
  granted = math.min(granted, math.floor(tokens[i]))
  if tokens[i] < 1 then wait = math.max(wait, math.ceil((1 - tokens[i]) * 1000 / rate)) end
end
for i, key in ipairs(KEYS) do
  local rate = tonumber(ARGV[i + 1])
  tokens[i] = tokens[i] - granted
  redis.call('HSET', key, 'tokens', tostring(tokens[i]), 'at', tostring(now))
  redis.call('PEXPIRE', key, 2000)
end
return {granted, math.floor(tokens[1]), wait}
"""
LOCAL_PART = 4  # without Redis a process allows this part (a quarter) of the limit
LEASE_S = 1.0
_BLOCKS = 50  # a lease takes a fiftieth of a second's tokens
_MAX_BLOCK = 64
_CIRCUIT_S = 3.0
_TIMEOUT_S = 0.2
_MAX_KEPT = 10_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Grant:
    """`left` tokens stay in the key's bucket; with none granted, one is there in `wait_ms`."""

    granted: int
    left: int
    wait_ms: int


@dataclass(slots=True)
class _Bucket:
    """A token bucket of this process: `rate` tokens a second, at most `rate` at once."""

    rate: float
    tokens: float
    at: float

    def take(self, wanted: int, now: float) -> Grant:
        self.tokens = min(self.rate, self.tokens + (now - self.at) * self.rate)
        self.at = now
        granted = min(wanted, int(self.tokens))
        wait_ms = 0 if granted else ceil((1 - self.tokens) * 1000 / self.rate)
        self.tokens -= granted
        return Grant(granted, int(self.tokens), wait_ms)


@dataclass(slots=True)
class _Question:
    """One call of Redis on behalf of all requests that came in the same turn of the loop; the first
    of them get what is granted."""

    waiting: int
    task: "asyncio.Task[Grant]"


@dataclass(slots=True)
class _Lease:
    """Tokens of one key that Redis has granted to this process and that are not used yet."""

    tokens: int = 0
    left: int = 0
    until: float = 0.0
    limit: int = 0
    question: _Question | None = None


_SHA = hashlib.sha1(TAKE.encode(), usedforsecurity=False).hexdigest()
_leases: dict[int, _Lease] = {}  # by the number that a key's UUID is: a UUID is hashed in Python
_local: dict[str, _Bucket] = {}
_async_clients: "WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncRedis]" = WeakKeyDictionary()
_closed_from = 0.0  # monotonic time from which Redis is asked again


def take(caller: Caller) -> dict[str, str]:
    """Takes a token of the caller's; returns the RateLimit headers. Raises RateLimited."""
    grant = None
    if time.monotonic() >= _closed_from:
        try:
            grant = _sync_grant(caller)
        except (RedisError, OSError) as error:
            _open_circuit(error)
    grant = grant or _local_grant(caller, 1)
    return _headers(caller, grant.left) if grant.granted else _refuse(caller, grant)


def leased(caller: Caller) -> dict[str, str] | None:
    """A token of the process's lease, where there is one: nobody waits, so there is no coroutine. Otherwise None."""
    lease = _leases.get(caller.key_id.int)
    if lease is None or lease.tokens <= 0 or lease.until <= time.monotonic():
        return None
    lease.tokens -= 1
    return _shown(lease.limit, lease.left + lease.tokens)


async def atake(caller: Caller) -> dict[str, str]:
    """What `take` does, on the event loop; from the process's lease where it has one."""
    headers = leased(caller)
    if headers is not None:
        return headers
    lease = _kept(_leases, caller.key_id.int, _Lease)
    question = lease.question
    if question is None or question.task.get_loop() is not asyncio.get_running_loop():
        question = lease.question = _Question(0, asyncio.ensure_future(_ask(caller, lease)))
    place = question.waiting
    question.waiting += 1
    grant = await asyncio.shield(question.task)
    return _headers(caller, grant.left) if place < grant.granted else _refuse(caller, grant)


def evaluate(script: str, *arguments: int | str) -> list[int] | None:
    """What Redis answers to a script (number of keys, keys, arguments); None without Redis."""
    if time.monotonic() < _closed_from:
        return None
    try:
        return list(_sync_client(settings.REDIS_URL).eval(script, *arguments))  # type: ignore[arg-type]  # redis-py's types
    except (RedisError, OSError) as error:
        _open_circuit(error)
    return None


async def aevaluate(script: str, *arguments: int | str) -> list[int] | None:
    """The same on the event loop."""
    if time.monotonic() < _closed_from:
        return None
    try:
        return list(await _async_client().eval(script, *arguments))  # type: ignore[arg-type]  # redis-py's types
    except (RedisError, OSError) as error:
        _open_circuit(error)
    return None


def forget() -> None:
    """Leases, local buckets and the circuit start anew, in this process."""
    global _closed_from
    _leases.clear()
    _local.clear()
    _closed_from = 0.0


def _rates(caller: Caller) -> tuple[int, int]:
    """Requests a second: of the key, of the merchant."""
    return caller.limit_per_key or settings.RATE_LIMIT_PER_KEY, caller.limit_per_merchant or settings.RATE_LIMIT_PER_MERCHANT


def _buckets(caller: Caller) -> tuple[str, str]:
    owner = f"rl:{{{caller.merchant_id}:{'live' if caller.livemode else 'test'}}}"
    return f"{owner}:{caller.key_id}", owner


def _headers(caller: Caller, left: int) -> dict[str, str]:
    return _shown(_rates(caller)[0], left)


def _shown(limit: int, left: int) -> dict[str, str]:
    return {"RateLimit-Limit": str(limit), "RateLimit-Remaining": str(left), "RateLimit-Reset": "0" if left >= limit else "1"}


def _refuse(caller: Caller, grant: Grant) -> Never:
    seconds = max(1, ceil(grant.wait_ms / 1000))
    raise RateLimited(seconds=seconds, limits={**_headers(caller, 0), "RateLimit-Reset": str(seconds)})


async def _ask(caller: Caller, lease: _Lease) -> Grant:
    """Takes a token for each request that waits, and a block in advance; the spare ones are the lease."""
    await asyncio.sleep(0)  # requests of the same turn join in
    question, lease.question = lease.question, None
    waiting = question.waiting if question is not None else 1
    block = min(_MAX_BLOCK, max(1, _rates(caller)[0] // _BLOCKS))
    grant = await _async_grant(caller, waiting + block - 1)
    now = time.monotonic()
    lease.tokens = max(0, grant.granted - waiting) + (lease.tokens if lease.until > now else 0)
    lease.left, lease.until, lease.limit = grant.left, now + LEASE_S, _rates(caller)[0]
    return grant


async def _async_grant(caller: Caller, wanted: int) -> Grant:
    if time.monotonic() >= _closed_from:
        client = _async_client()
        arguments = (2, *_buckets(caller), wanted, *_rates(caller))
        try:
            try:
                return Grant(*await client.evalsha(_SHA, *arguments))
            except NoScriptError:
                return Grant(*await client.eval(TAKE, *arguments))
        except (RedisError, OSError) as error:
            _open_circuit(error)
    return _local_grant(caller, wanted)


def _sync_grant(caller: Caller) -> Grant:
    client = _sync_client(settings.REDIS_URL)
    arguments = (2, *_buckets(caller), 1, *_rates(caller))
    try:
        return Grant(*client.evalsha(_SHA, *arguments))
    except NoScriptError:
        return Grant(*client.eval(TAKE, *arguments))


def _local_grant(caller: Caller, wanted: int) -> Grant:
    now = time.monotonic()
    for name, rate in zip(_buckets(caller)[::-1], _rates(caller)[::-1], strict=True):
        part = max(1.0, rate / LOCAL_PART)
        bucket = _kept(_local, name, partial(_Bucket, part, part, now))
        grant = bucket.take(wanted, now)
        if not grant.granted:
            return grant
        wanted = grant.granted
    return grant


def _open_circuit(error: Exception) -> None:
    """Redis is left alone for three seconds."""
    global _closed_from
    _closed_from = time.monotonic() + _CIRCUIT_S
    log.warning("limits.local", error=type(error).__name__)


def _kept(entries: dict[K, V], key: K, make: Callable[[], V]) -> V:
    """`entries[key]`, made if need be; the oldest entry makes room."""
    found = entries.get(key)
    if found is None:
        while len(entries) >= _MAX_KEPT:
            entries.pop(next(iter(entries)), None)
        found = entries[key] = make()
    return found


# A command that was sent is never sent again: a retry could take a second token.
@lru_cache(maxsize=4)
def _sync_client(url: str) -> Redis:
    return Redis.from_url(url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, retry=Retry(NoBackoff(), 0))


def _async_client() -> AsyncRedis:
    loop = asyncio.get_running_loop()
    client = _async_clients.get(loop)
    if client is None:
        client = AsyncRedis.from_url(
            settings.REDIS_URL, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, retry=AsyncRetry(NoBackoff(), 0)
        )
        _async_clients[loop] = client
    return client
