"""Hot answers, of which a sample is handed over for a second answer, off the request.

`offer` costs a look at the rate and a random number; where it takes one, a tuple in a bounded queue.
A task of the process writes the queue to PostgreSQL about once a second, many rows a statement. What
does not fit is dropped and counted: a request never waits for any of this.
"""

import asyncio
import contextlib
import random
import time
from base64 import b64encode
from collections import Counter, deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import psycopg
import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apps.core import db
from apps.core.errors import Overloaded
from apps.core.ids import new_id
from apps.cutover.domain import ENDPOINTS
from apps.cutover.domain.samples import caller_columns
from apps.merchants.domain import Caller

log = structlog.get_logger(__name__)

# What one process holds until the next flush, and the largest answer that is compared.
MOST, MOST_BYTES, LARGEST = 1_000, 8_388_608, 262_144
FLUSH_S, RATES_S = 1.0, 5.0
# Of the request's headers, those that an answer depends on.
_HEADERS = ("HTTP_HOST", "CONTENT_TYPE", "HTTP_IDEMPOTENCY_KEY", "HTTP_X_STRIPE_CLIENT_USER_AGENT")
_READS = ("retrieve", "list")

_chance = random.random


class Offered(NamedTuple):
    endpoint: str
    caller: Caller
    request: HttpRequest
    response: HttpResponse
    at: float


rates: dict[str, float] = {}
_waiting: deque[Offered] = deque()
_bytes = 0
_dropped: Counter[str] = Counter()
_task: asyncio.Task[None] | None = None
_ended: asyncio.Event | None = None


def offer(endpoint: str, caller: Caller, request: HttpRequest, response: HttpResponse) -> None:
    """The hot path has given `response`; perhaps it is compared. Never waits, never fails."""
    if _chance() < rates.get(endpoint, 0.0):
        _take(Offered(endpoint, caller, request, response, time.time()))


def _take(offered: Offered) -> None:
    global _bytes
    size = len(offered.response.content)
    if "Idempotent-Replayed" in offered.response.headers:
        return  # nothing was done that could be done again
    if len(_waiting) >= MOST or _bytes + size > MOST_BYTES or size > LARGEST:
        _dropped[offered.endpoint] += 1
        return
    _bytes += size
    _waiting.append(offered)


def set_rates(rows: Mapping[str, float]) -> None:
    """From now on, `rows` (endpoint → percent) and the settings say how much is compared."""
    for endpoint in ENDPOINTS:
        is_read = endpoint.endswith(_READS)
        percent = rows.get(endpoint, settings.SHADOW_READ_PERCENT if is_read else settings.SHADOW_WRITE_PERCENT)
        rates[endpoint] = percent / 100


def discard() -> list[Offered]:
    """Nothing waits any more; returns what did."""
    global _bytes
    offered = list(_waiting)
    _waiting.clear()
    _bytes = 0
    return offered


async def flush() -> int:
    """What was taken is in PostgreSQL; returns how many samples. Where that fails, or nobody compares what is
    there already, they count as dropped."""
    offered = discard()
    try:
        kept = await _kept(offered) if offered else 0
        await _tell_dropped()
    except (psycopg.Error, OSError, Overloaded) as error:
        _dropped.update(one.endpoint for one in offered)
        log.warning("shadow.dropped", count=len(offered), error=type(error).__name__)
        return 0
    return kept


async def _kept(offered: list[Offered]) -> int:
    outcomes = await db.acall("cutover_keep", db.encode([_row(one) for one in offered]).encode())
    refused = [one for one, outcome in zip(offered, outcomes, strict=True) if "ok" not in outcome]
    if refused:
        _dropped.update(one.endpoint for one in refused)
        log.warning("shadow.dropped", count=len(refused), error=outcomes[0]["error"])
    return len(offered) - len(refused)


async def _tell_dropped() -> None:
    told = dict(_dropped)
    if not told:
        return
    zeros = dict.fromkeys(("compared", "differing", "moved_on", "skipped"), 0)
    now = datetime.fromtimestamp(time.time(), UTC)
    commands = [{"endpoint": name, "read_at": now, "dropped": count, **zeros} for name, count in told.items()]
    await db.acall("cutover_count", db.encode(commands).encode())
    _dropped.subtract(told)
    for name in [name for name, count in _dropped.items() if count <= 0]:
        del _dropped[name]


def _row(one: Offered) -> dict[str, Any]:
    meta = one.request.META
    return {
        "id": new_id(),
        "endpoint": one.endpoint,
        "caller": caller_columns(one.caller),
        "method": one.request.method,
        "path": one.request.path,
        "query": meta.get("QUERY_STRING", ""),
        "headers": {name: meta[name] for name in _HEADERS if name in meta},
        "body": b64encode(one.request.body).decode(),
        "status": one.response.status_code,
        "content_type": one.response.get("Content-Type", ""),
        "answer": b64encode(one.response.content).decode(),
        "read_at": datetime.fromtimestamp(one.at, UTC),
    }


async def reload_rates() -> None:
    """The rates are those of the table and the settings. While the table cannot be read, the last ones hold."""
    try:
        found = await db.aquery("SELECT endpoint, percent::float8 FROM cutover_shadow_rate")
    except (psycopg.Error, OSError, Overloaded) as error:
        log.warning("shadow.rates_not_read", error=type(error).__name__)
        return
    set_rates({row["endpoint"]: row["percent"] for row in found})


def start() -> None:
    """The process hands over samples from now on (ASGI lifespan start)."""
    global _task, _ended
    _ended = asyncio.Event()
    _task = asyncio.ensure_future(_keep_going(_ended))


async def stop() -> None:
    """What was taken is handed over, and nothing more is taken (ASGI lifespan end)."""
    rates.clear()
    if _task is not None and _ended is not None:
        _ended.set()
        await _task
    await flush()


async def _keep_going(ended: asyncio.Event) -> None:
    read_at = -RATES_S
    while not ended.is_set():
        try:
            if time.monotonic() - read_at >= RATES_S:
                read_at = time.monotonic()
                await reload_rates()
            if _waiting or _dropped:
                await flush()
        except Exception:
            # The task must outlive what nobody has foreseen: without it, nothing is compared any more.
            log.exception("shadow.failed")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), FLUSH_S)
