"""The server of a web worker: takes as many waiting connections a turn of the event loop as it can serve.

uvloop accepts one connection a turn. Under load a turn takes 10 to 20 ms, so a worker that is asked by
thousands at once lets in a hundred a second, and the kernel keeps the others waiting for seconds. Here the
listening socket is watched by the loop and emptied in gulps of AT_ONCE. A gulp is bounded so that those who are
in already are served in between, and that the workers of a host, which share the socket, share what waits.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from ssl import SSLContext
from typing import Any, cast

import structlog
import uvicorn

log = structlog.get_logger(__name__)
# A connection costs some 100 µs of CPU time to take: 6 ms a turn at most.
AT_ONCE = 64
# How long nobody is taken after the process ran out of files (or of anything else); those who wait stay in the kernel's queue.
PAUSE_S = 0.25
# At the end, what waits is taken for so many gulps: a whole queue of the kernel (net.core.somaxconn is 4096).
LAST_GULPS = 64
# What a connection that was taken at the end may need until its request has been read.
LAST_WORDS_S = 0.05


class Listener:
    """One listening socket on the running loop; stands in for the `asyncio.Server` that uvicorn expects."""

    def __init__(self, sock: socket.socket, protocol: Callable[[], asyncio.Protocol], ssl: SSLContext | None) -> None:
        self.sock, self.protocol, self.ssl = sock, protocol, ssl
        self.loop = asyncio.get_running_loop()
        self.opening: set[asyncio.Task[Any]] = set()
        self.pause: asyncio.TimerHandle | None = None
        self.closed = False

    def listen(self, backlog: int) -> None:
        self.sock.setblocking(False)
        self.sock.listen(backlog)
        self.loop.add_reader(self.sock.fileno(), self.take)

    def take(self) -> int:
        """Takes up to AT_ONCE of those who wait; returns how many."""
        for taken in range(AT_ONCE):
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
        return AT_ONCE

    def _open(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        task = self.loop.create_task(self._connect(connection))
        self.opening.add(task)
        task.add_done_callback(self.opening.discard)

    async def _connect(self, connection: socket.socket) -> None:
        try:
            await self.loop.connect_accepted_socket(self.protocol, connection, ssl=self.ssl)
        except OSError as error:  # reset already, or no TLS that we speak
            log.debug("connection.failed", error=str(error))
            connection.close()

    def _rest(self, error: OSError) -> None:
        """The socket stays readable: without a pause the loop would ask it again and again."""
        log.warning("accept.failed", error=str(error), pause_s=PAUSE_S)
        if self.pause is None and not self.closed:
            self.loop.remove_reader(self.sock.fileno())
            self.pause = self.loop.call_later(PAUSE_S, self._go_on)

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
    """Uvicorn's server with listeners of our own on the sockets that it is given."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if sockets is None:
            await super().startup()
            return
        await super().startup(sockets=[])
        listeners = [Listener(sock, self._protocol, self.config.ssl) for sock in sockets]
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
