"""Small values in Redis, asked for and put in batches from the event loop. All of it may be lost.

While an exchange is under way, everything wanted meanwhile gathers for the next one: many look-ups are
one MGET, and what is put goes along, or by itself after ten milliseconds without a look-up. Nobody waits
for a connection: without one a look-up finds nothing, at once, and a put is dropped, until a new connection
has answered. A Redis that stands still costs those who wait for it at that moment TIMEOUT_S, and nobody after them.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import hiredis
import structlog

from apps.core.caching.wire import Wire, connected, packed

TIMEOUT_S = 0.05
CIRCUIT_S = 3.0
# An exchange costs some 30 µs, most of it the kernel's. Whoever asks for what was put within this time waits for nothing but
# what he would have waited for without a store.
PUT_WITHIN_S = 0.01
_MAX_WAITING_BYTES = 4_194_304
_DOWN = (OSError, TimeoutError, hiredis.HiredisError)

_SET = b"*5\r\n$3\r\nSET\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$2\r\nEX\r\n$%d\r\n%d\r\n"

log = structlog.get_logger(__name__)
# By the id of their loop.
_stores: "dict[int, SmallStore]" = {}
Asker = asyncio.Future[bytes | None]


def of_this_loop(url: str) -> "SmallStore":
    """The running loop's store in the Redis at `url`."""
    loop = asyncio.get_running_loop()
    found = _stores.get(id(loop))
    if found is None or found.loop is not loop or found.url != url:
        found = _stores[id(loop)] = SmallStore(url, loop)
    return found


class SmallStore:
    """Values by name. What it does not have and what it cannot say now look the same."""

    def __init__(self, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self.url = url
        self.loop = loop
        self.wire: Wire | None = None
        self.retry_at = 0.0
        self.connecting: asyncio.Task[None] | None = None
        # Gathered for the next exchange.
        self.names: list[bytes] = []
        self.askers: list[Asker] = []
        self.puts: list[bytes] = []
        self.put_bytes = 0
        self.gone: list[bytes] = []
        self.planned = False
        # Until it fires, what was put waits for look-ups to go along with.
        self.later: asyncio.TimerHandle | None = None

    def get(self, name: bytes) -> Asker | None:
        """The value of `name` to wait for; None where Redis is away."""
        if not self._is_there():
            return None
        asker: Asker = self.loop.create_future()
        self.names.append(name)
        self.askers.append(asker)
        self._plan()
        return asker

    def put(self, name: bytes, value: bytes, seconds: int, *, gone: Sequence[bytes] = ()) -> None:
        """Soon `name` has `value` for so many seconds, and the names in `gone` have none. Waits for nothing."""
        if not self._is_there() or self.put_bytes > _MAX_WAITING_BYTES:
            return
        self.put_bytes += len(value)
        # As `packed` would make it, in a third of the time.
        self.puts.append(_SET % (len(name), name, len(value), value, len(str(seconds)), seconds))
        if gone:
            self.gone.extend(gone)
        if self.later is None:
            self.later = self.loop.call_later(PUT_WITHIN_S, self._overdue)

    async def open(self) -> bool:
        """Waits until there is a connection, or none to be had; says which."""
        if not self._is_there() and self.connecting is not None:
            await asyncio.wait([self.connecting])
        return self._is_there()

    async def close(self) -> None:
        """Sends what waits, for at most TIMEOUT_S, and drops the connection."""
        until = self.loop.time() + TIMEOUT_S
        if self.later is not None:
            self.later.cancel()
            self._overdue()
        while self.wire is not None and (self.puts or self.wire.busy) and self.loop.time() < until:
            await asyncio.sleep(0.001)
        if self.connecting is not None:
            self.connecting.cancel()
        if self.wire is not None:
            self.wire.close()

    def _is_there(self) -> bool:
        if self.wire is not None and not self.wire.dead:
            return True
        if self.connecting is None and self.loop.time() >= self.retry_at:
            self.connecting = self.loop.create_task(self._connect())
        return False

    async def _connect(self) -> None:
        try:
            self.wire = await connected(self.url, TIMEOUT_S)
        except _DOWN as error:
            self._away(error)
        finally:
            self.connecting = None

    def _overdue(self) -> None:
        """What was put goes now, or as soon as the exchange under way has ended."""
        self.later = None
        if self.puts:
            self._plan()

    def _plan(self) -> None:
        if not self.planned and self.wire is not None and not self.wire.busy:
            self.planned = True
            self.loop.call_soon(self._exchange)  # what this turn of the loop still wants comes along

    def _exchange(self) -> None:
        self.planned = False
        if self.wire is None or self.wire.dead:
            self._nothing()
            return
        askers, commands = self.askers, self.puts
        if askers:
            commands.insert(0, packed(b"MGET", *self.names))
        if self.gone:
            commands.append(packed(b"UNLINK", *self.gone))
        self.askers, self.names, self.puts, self.put_bytes, self.gone = [], [], [], 0, []
        waiting = [askers] if askers else []
        self.wire.send(
            commands,
            lambda reply: _answer(waiting.pop(), reply) if waiting else None,
            lambda error: self._ended(error, waiting),
        )

    def _ended(self, error: Exception | None, waiting: list[list[Asker]]) -> None:
        if error is not None:
            self._away(error)
            for askers in waiting:
                _answer(askers, [])
            self._nothing()
        elif self.names or (self.puts and self.later is None):
            self._exchange()

    def _nothing(self) -> None:
        """Whatever is wanted now is not to be had."""
        _answer(self.askers, [])
        self.askers, self.names, self.puts, self.put_bytes, self.gone = [], [], [], 0, []

    def _away(self, error: Exception) -> None:
        self.wire, self.retry_at = None, self.loop.time() + CIRCUIT_S
        log.warning("small_store.bypassed", error=type(error).__name__)


def _answer(askers: list[Asker], values: list[Any]) -> None:
    """Each gets its value; where there are none, nothing."""
    for n, asker in enumerate(askers):
        if not asker.done():
            asker.set_result(values[n] if values else None)
