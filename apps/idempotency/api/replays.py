"""Replays without PostgreSQL: answers that are committed, kept in this process and in Redis.

PostgreSQL stays the judge. Only what it has committed under a key is ever kept here, and a record that is
done never changes, so an answer found here is the one that PostgreSQL would give. What is not found, or
was asked with another fingerprint, goes the normal way. Nothing here makes a payment happen or not happen.
"""

import hashlib
import time
from collections import Counter, deque
from collections.abc import Callable
from functools import lru_cache
from threading import Lock
from typing import Any, TypeGuard
from zlib import crc32

import structlog
from django.conf import settings
from django.db import connection, transaction
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from apps.core import known
from apps.core.caching import small_store
from apps.core.caching.small_store import SmallStore
from apps.core.flow import Flow, arun_shielded, run
from apps.idempotency.domain import Answer, RequestKey
from apps.idempotency.services import answer_once

MAX_BODY = 65_536
SURE_S = 60.0  # a claim's lease is 90 s
NEAR_BYTES = 4_194_304
# A value is the request's fingerprint, a mark and a checksum of the rest, the status, and the body.
_FINGERPRINT, _MARK = 32, b"C"
_TOLD = _FINGERPRINT + len(_MARK) + 4
_HEAD = _TOLD + 3

log = structlog.get_logger(__name__)
# How many replays this process has answered, by where from: "near" (its memory) or "redis".
answered: Counter[str] = Counter()


class Near:
    """The newest answers in this process, as many as `limit` bytes hold."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._values: dict[bytes, tuple[float, bytes]] = {}
        self._bytes = 0
        self._lock = Lock()  # DRF's views run in threads beside the loop

    def get(self, name: bytes) -> bytes | None:
        found = self._values.get(name)
        return found[1] if found is not None and found[0] > time.monotonic() else None

    def put(self, name: bytes, value: bytes, seconds: int) -> None:
        with self._lock:
            if name in self._values:
                return
            self._values[name] = (time.monotonic() + seconds, value)
            self._bytes += len(value)
            while self._bytes > self.limit:
                _, oldest = self._values.pop(next(iter(self._values)))
                self._bytes -= len(oldest)

    def clear(self) -> None:
        with self._lock:
            self._values.clear()
            self._bytes = 0


class Far:
    """What this process has put in Redis. Redis may be the broker's too, which must never find it full,
    so whoever puts clears up: the oldest names make room."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._names: deque[tuple[bytes, int]] = deque()
        self._bytes = 0
        self._lock = Lock()

    def put(self, name: bytes, size: int) -> list[bytes]:
        """The names that have to go."""
        gone = []
        with self._lock:
            self._names.append((name, size))
            self._bytes += size
            while self._bytes > self.limit:
                oldest, its_size = self._names.popleft()
                self._bytes -= its_size
                gone.append(oldest)
        return gone


_near = Near(NEAR_BYTES)
_far = Far(settings.REPLAYS_MB * 1_048_576)
_closed_from = 0.0  # monotonic time from which the sync client asks again


def once(key: RequestKey | None, flow: Flow[Answer]) -> Answer:
    """The answer that is kept under `key`, or else what `flow` answers."""
    answer = find(key)
    if answer is None:
        begun_at = time.monotonic()
        answer = run(flow)
        keep(key, answer, begun_at=begun_at)
    return answer


def work_once(key: RequestKey, work: Callable[[], tuple[int, bytes]]) -> Answer:
    """`services.answer_once`, unless the answer is kept. Not for answers that hold a secret: those are for
    PostgreSQL only."""
    answer = find(key)
    if answer is None:
        begun_at = time.monotonic()
        answer = answer_once(key, work)
        keep(key, answer, begun_at=begun_at)
    return answer


async def aonce(key: RequestKey | None, flow: Flow[Answer]) -> Answer:
    """The same on the event loop; `flow` goes on to its end, and is kept, even if the client leaves."""
    if not _is_kept(key):
        return await arun_shielded(flow)
    name = name_of(key)
    answer = _read(_near.get(name), key, "near")
    if answer is None:
        store = small_store.of_this_loop(known.settings.REDIS_URL)
        asker = store.get(name)
        if asker is not None:
            answer = _read(await asker, key, "redis")
    if answer is not None:
        return answer
    return await arun_shielded(_kept(key, name, flow, store))


def find(key: RequestKey | None) -> Answer | None:
    """The answer that is kept under `key`. Inside a transaction there is none: there somebody wants to
    see the work done."""
    if not _is_kept(key) or connection.in_atomic_block:
        return None
    name = name_of(key)
    return _read(_near.get(name), key, "near") or _read(_asked(lambda client: client.get(name)), key, "redis")


def keep(key: RequestKey | None, answer: Answer, *, begun_at: float) -> None:
    """`answer` is kept once the transaction that is open, if any, is committed. `begun_at`: monotonic
    time before the key was claimed."""
    if _is_kept(key) and _may_keep(answer, begun_at):
        transaction.on_commit(lambda: _keep(name_of(key), _value(key, answer)))


def name_of(key: RequestKey) -> bytes:
    """Where the answer to `key` is: merchant, mode, and a hash of what the client sent."""
    hashed = hashlib.blake2b((key.key or "").encode(), digest_size=16).hexdigest()
    return b"florin:replay:%032x:%b:%b" % (key.merchant_id.int, b"live" if key.livemode else b"test", hashed.encode())


def forget() -> None:
    """This process starts anew."""
    global _closed_from
    _near.clear()
    answered.clear()
    _closed_from = 0.0


async def connect() -> None:
    """Connects (ASGI lifespan start); without it the first requests find nothing."""
    if known.settings.REPLAYS_KEPT_S:
        await small_store.of_this_loop(known.settings.REDIS_URL).open()


async def close() -> None:
    """What still waits is put, and the connection closed (ASGI lifespan end)."""
    await small_store.of_this_loop(known.settings.REDIS_URL).close()


def _is_kept(key: RequestKey | None) -> TypeGuard[RequestKey]:
    return key is not None and key.key is not None and known.settings.REPLAYS_KEPT_S > 0


def _kept(key: RequestKey, name: bytes, flow: Flow[Answer], store: SmallStore) -> Flow[Answer]:
    """`flow`, whose answer is kept. On the loop nothing is ever open: what has an answer is committed."""
    begun_at = time.monotonic()
    answer = yield from flow
    if _may_keep(answer, begun_at):
        value, seconds = _value(key, answer), known.settings.REPLAYS_KEPT_S
        _near.put(name, value, seconds)
        store.put(name, value, seconds, gone=_far.put(name, len(value)))
    return answer


def _may_keep(answer: Answer, begun_at: float) -> bool:
    """Whoever took longer than a lease may have been overtaken: which answer was stored, PostgreSQL knows."""
    return answer.kept and len(answer.body) <= MAX_BODY and time.monotonic() - begun_at < SURE_S


def _keep(name: bytes, value: bytes) -> None:
    seconds = known.settings.REPLAYS_KEPT_S
    _near.put(name, value, seconds)
    gone = _far.put(name, len(value))
    _asked(lambda client: client.set(name, value, ex=seconds))
    if gone:
        _asked(lambda client: client.unlink(*gone))


def _value(key: RequestKey, answer: Answer) -> bytes:
    told = b"%03d%b" % (answer.status, answer.body)
    return b"%b%b%b%b" % (key.fingerprint, _MARK, crc32(told).to_bytes(4), told)


def _read(value: Any, key: RequestKey, source: str) -> Answer | None:
    """The answer in `value`, if it is one to this very request."""
    if not isinstance(value, bytes) or value[:_FINGERPRINT] != key.fingerprint:
        return None
    if source == "redis":
        if not _is_whole(value):
            return None
        _near.put(name_of(key), value, known.settings.REPLAYS_KEPT_S)
    answered[source] += 1
    return Answer(status=int(value[_TOLD:_HEAD]), body=value[_HEAD:], replayed=True)


def _is_whole(value: bytes) -> bool:
    """Whether nothing of a value that was out of our hands is missing or another."""
    told = value[_TOLD:]
    return value[_FINGERPRINT:_TOLD] == _MARK + crc32(told).to_bytes(4) and told[:3].isdigit()


def _asked(question: Callable[[Redis], Any]) -> Any:
    """Redis's answer to a view in a thread; None while it is away, and for three seconds after."""
    global _closed_from
    if time.monotonic() < _closed_from:
        return None
    try:
        return question(_client(known.settings.REDIS_URL))
    except (RedisError, OSError) as error:
        _closed_from = time.monotonic() + small_store.CIRCUIT_S
        log.warning("replays.bypassed", error=type(error).__name__)
        return None


@lru_cache(maxsize=4)
def _client(url: str) -> Redis:
    wait_s = small_store.TIMEOUT_S
    return Redis.from_url(url, socket_timeout=wait_s, socket_connect_timeout=wait_s, retry=Retry(NoBackoff(), 0))
