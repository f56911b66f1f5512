"""A worker takes those who wait, many a turn of its loop, on uvloop as in production."""

import asyncio
import errno
import resource
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest
import uvicorn
import uvloop

from config import listening
from config.listening import AT_ONCE, Server

REQUEST = b"GET / HTTP/1.1\r\nHost: florin\r\n\r\n"
SETTINGS = {"loop": "uvloop", "http": "httptools", "lifespan": "off", "log_config": None, "timeout_keep_alive": 75}
Test = Callable[[Server, socket.socket], Awaitable[None]]


async def _answer(scope: dict, receive: Callable, send: Callable) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@contextmanager
def _listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        listener.setblocking(False)
        yield listener


def _crowd(listener: socket.socket, many: int) -> list[socket.socket]:
    """Clients that the kernel has let in and that have asked, while the loop was busy with this very call."""
    clients = [socket.create_connection(listener.getsockname(), timeout=10) for _ in range(many)]
    for client in clients:
        client.sendall(REQUEST)
    return clients


def _serving(test: Test, server_class: type[uvicorn.Server] = Server, **settings: object) -> None:
    """Runs `test` beside a server on a listening socket."""

    async def run() -> None:
        server = server_class(uvicorn.Config(_answer, **SETTINGS | settings))
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup([listener])
        await test(server, listener)
        if listener.fileno() >= 0:
            await server.shutdown([listener])

    with _listening() as listener, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


async def _turns_until(holds: Callable[[], bool], most: int) -> int:
    for turn in range(most):
        if holds():
            return turn
        await asyncio.sleep(0)
    return most


async def _heard(client: socket.socket) -> bytes:
    client.setblocking(False)
    return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 4096), 10)


@pytest.mark.parametrize(("server_class", "few"), [(Server, True), (uvicorn.Server, False)])
def test_three_hundred_who_wait_are_taken_within_a_few_turns_and_uvicorn_alone_needs_one_for_each(server_class, few) -> None:
    async def test(server: Server, listener: socket.socket) -> None:
        clients = _crowd(listener, 300)
        turns = await _turns_until(lambda: len(server.server_state.connections) == 300, 400)
        assert turns <= 10 if few else turns >= 290
        assert [(await _heard(client))[:15] for client in clients] == [b"HTTP/1.1 200 OK"] * 300

    _serving(test, server_class)


def test_a_turn_takes_no_more_than_its_gulp_so_that_the_others_are_served_and_a_sibling_has_its_share() -> None:
    async def test(server: Server, listener: socket.socket) -> None:
        clients = _crowd(listener, 200)
        taken = [server.servers[0].take(), server.servers[0].take()]
        assert (len(clients), taken) == (200, [AT_ONCE, AT_ONCE])

    _serving(test)


def test_small_packets_leave_at_once_on_what_was_taken() -> None:
    async def test(server: Server, listener: socket.socket) -> None:
        clients = _crowd(listener, 1)
        await _heard(clients[0])
        (connection,) = server.server_state.connections
        assert connection.transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    _serving(test)


def test_without_files_it_pauses_instead_of_spinning_and_takes_them_when_there_are_some(monkeypatch) -> None:
    tried = []
    rest = listening.Listener._rest
    monkeypatch.setattr(listening.Listener, "_rest", lambda self, error: (tried.append(error.errno), rest(self, error)))

    async def test(server: Server, listener: socket.socket) -> None:
        clients = _crowd(listener, 50)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (clients[-1].fileno() + 1, hard))
        try:
            turns = await _turns_until(lambda: False, 500)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert (turns, tried) == (500, [errno.EMFILE])
        assert [(await _heard(client))[:15] for client in clients] == [b"HTTP/1.1 200 OK"] * 50

    _serving(test)


def test_beyond_its_limit_of_connections_it_still_answers_503() -> None:
    async def test(server: Server, listener: socket.socket) -> None:
        clients = _crowd(listener, 8)
        answers = [(await _heard(client))[9:12] for client in clients]
        assert b"503" in answers

    _serving(test, limit_concurrency=4)


def test_who_still_waits_when_it_stops_is_answered_and_nobody_is_taken_afterwards() -> None:
    async def test(server: Server, listener: socket.socket) -> None:
        clients = _crowd(listener, 300)
        await server.shutdown([listener])
        answers = [await _heard(client) for client in clients]
        assert [answer[:15] for answer in answers] == [b"HTTP/1.1 200 OK"] * 300
        assert (len(server.server_state.connections), listener.fileno()) == (0, -1)

    _serving(test)
