"""The server of a web worker: takes as many waiting connections a turn of the event loop as it can serve.

uvloop accepts one connection a turn. Under load a turn takes 10 to 20 ms, so a worker that is asked by
thousands at once lets in a hundred a second, and the kernel keeps the others waiting for seconds. Here the
listening socket is watched by the loop and emptied in gulps of AT_ONCE. A gulp is bounded so that those who are
in already are served in between. The workers of a host share the socket: one that holds more connections than
another lets that one go first.
"""

import asyncio
import signal
import socket
from collections.abc import Callable, Collection, Sequence
from ssl import SSLContext
from types import FrameType
from typing import Any, cast

import structlog
import uvicorn

from config.shares import SHARES

log = structlog.get_logger(__name__)
# A connection costs some 100 µs of CPU time to take: 6 ms a turn at most.
AT_ONCE = 64
# How long nobody is taken after the process ran out of files (or of anything else); those who wait stay in the kernel's queue.
PAUSE_S = 0.25
# How long a worker that holds more than another leaves who waits to that one. Then it takes one: the other may be busy.
AFTER_YOU_S = 0.002
# At the end, what waits is taken for so many gulps: a whole queue of the kernel (net.core.somaxconn is 4096).
LAST_GULPS = 64
# What a connection that was taken at the end may need until its request has been read.
LAST_WORDS_S = 0.05


class Listener:
    """One listening socket on the running loop; stands in for the `asyncio.Server` that uvicorn expects."""

    def __init__(
        self, sock: socket.socket, protocol: Callable[[], asyncio.Protocol], ssl: SSLContext | None, held: Collection[Any]
    ) -> None:
        """`held`: the connections that the process has, by their protocols."""
        self.sock, self.protocol, self.ssl, self.held = sock, protocol, ssl, held
        self.loop = asyncio.get_running_loop()
        self.opening: dict[asyncio.Task[Any], asyncio.Protocol] = {}
        self.pause: asyncio.TimerHandle | None = None
        self.closed = self.has_waited = False

    def listen(self, backlog: int) -> None:
        self.sock.setblocking(False)
        self.sock.listen(backlog)
        self.loop.add_reader(self.sock.fileno(), self.take)

    def take(self) -> int:
        """Takes up to AT_ONCE of those who wait, or none if it is another worker's turn; returns how many."""
        gulp = self._gulp()
        if not gulp:
            self.has_waited = True
            self._pause(AFTER_YOU_S)
        taken = self._take(gulp)
        SHARES.tell(self._holds())
        return taken

    def _holds(self) -> int:
        # What has been made is held a turn before its task has ended.
        return len(self.held) + sum(protocol not in self.held for protocol in self.opening.values())

    def _gulp(self) -> int:
        """At most an eighth more than whoever has least: thousands are to be taken in few turns."""
        least = None if self.closed else SHARES.least_of_others()
        if least is None:
            return AT_ONCE
        fair = least + max(least // 8, 1) - self._holds()
        has_waited, self.has_waited = self.has_waited, False
        return min(AT_ONCE, max(fair, int(has_waited)))

    def _take(self, gulp: int) -> int:
        for taken in range(gulp):
            try:
                connection, _ = self.sock.accept()
            except (BlockingIOError, InterruptedError):
                return taken
            except ConnectionAbortedError:  # it was taken back meanwhile
                continue
            except OSError as error:
                self._rest(error)
                return taken
            self._open(connection)
        return gulp

    def _open(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        protocol = self.protocol()
        task = self.loop.create_task(self._connect(connection, protocol))
        self.opening[task] = protocol
        task.add_done_callback(self.opening.pop)

    async def _connect(self, connection: socket.socket, protocol: asyncio.Protocol) -> None:
        try:
            await self.loop.connect_accepted_socket(lambda: protocol, connection, ssl=self.ssl)
        except OSError as error:  # reset already, or no TLS that we speak
            log.debug("connection.failed", error=str(error))
            connection.close()

    def _rest(self, error: OSError) -> None:
        """The socket stays readable: without a pause the loop would ask it again and again."""
        log.warning("accept.failed", error=str(error), pause_s=PAUSE_S)
        self._pause(PAUSE_S)

    def _pause(self, seconds: float) -> None:
        if self.pause is None and not self.closed:
            self.loop.remove_reader(self.sock.fileno())
            self.pause = self.loop.call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        self.pause = None
        self.loop.add_reader(self.sock.fileno(), self.take)

    def close(self) -> None:
        """Takes nobody any more. The socket itself belongs to the master."""
        if self.closed:
            return
        self.closed = True
        if self.pause is not None:
            self.pause.cancel()
        else:
            self.loop.remove_reader(self.sock.fileno())

    async def wait_closed(self) -> None:
        """Whoever was taken has a protocol."""
        if self.opening:
            await asyncio.wait(set(self.opening))


class Server(uvicorn.Server):
    """Uvicorn's server with listeners of our own on the sockets that it is given. Told to end because others take its place
    (HUP), it serves until they are there: a process takes seconds to start, and the clients would wait for it."""

    is_told = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM and not self.is_told and not SHARES.may_leave():
            self.is_told = True
        else:  # told twice: the master ends, or waits no longer
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        if self.is_told and SHARES.may_leave():
            self.should_exit = True
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if sockets is None:
            await super().startup()
            return
        await super().startup(sockets=[])
        held = self.server_state.connections
        listeners = [Listener(sock, self._protocol, self.config.ssl, held) for sock in sockets]
        for listener in listeners:
            listener.listen(self.config.backlog)
        self.servers = cast(list[asyncio.base_events.Server], listeners)

    def _protocol(self) -> asyncio.Protocol:
        make = cast(Callable[..., asyncio.Protocol], self.config.http_protocol_class)
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await _take_the_last([one for one in self.servers if isinstance(one, Listener)])
        await super().shutdown(sockets)


async def _take_the_last(listeners: Sequence[Listener]) -> None:
    """Whom the kernel has let in is answered: with the socket they would be reset, their requests unread."""
    found = 0
    for listener in listeners:
        listener.close()
        for _ in range(LAST_GULPS):
            taken = listener.take()
            found += taken
            if taken < AT_ONCE:
                break
        await listener.wait_closed()
    if found:
        await asyncio.sleep(LAST_WORDS_S)
