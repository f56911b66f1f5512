"""Calls over connections that stay open."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from apps.core import flow, http
from apps.core.flow import Http
from apps.core.http import HttpFailed, HttpRequest, calls
from tests.conftest import free_port

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Counts the connections, and answers each request on them by `answers` in turn; after the last it closes."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = answers
        self.connections = 0
        self.heard: list[bytes] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        for answer in self.answers:
            try:
                self.heard.append(await reader.readuntil(b"\r\n\r\n"))
            except asyncio.IncompleteReadError:
                break
            writer.write(answer)
            await writer.drain()
        writer.close()

    async def ask(self, method: str = "GET", **more: object) -> http.HttpReply:
        return await http.asend(HttpRequest(method, f"{self.url}/a?b=c", **more))  # type: ignore[arg-type]


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Server]]]:
    running = []

    async def start(*answers: bytes) -> Server:
        server = Server(*answers)
        running.append(await asyncio.start_server(server.talk, "127.0.0.1", 0))
        server.url = f"http://127.0.0.1:{running[-1].sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
        return server

    yield start
    await http.close()
    for one in running:
        one.close()


async def test_one_connection_carries_call_after_call(serve) -> None:
    server = await serve(OK, OK, OK)
    replies = [await server.ask("POST", body=b"", headers={"X-A": "1"}) for _ in range(3)]
    assert [reply.body for reply in replies] == [b"ok"] * 3
    assert (server.connections, len(server.heard)) == (1, 3)
    assert server.heard[0].startswith(b"POST /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n" in server.heard[0]


async def test_calls_at_once_have_connections_of_their_own(serve) -> None:
    server = await serve(OK)
    assert [reply.status for reply in await asyncio.gather(*(server.ask() for _ in range(5)))] == [200] * 5
    assert server.connections == 5


async def test_what_changes_nothing_is_asked_again_where_the_server_had_hung_up(serve) -> None:
    server = await serve(OK)
    for _ in range(3):
        assert (await server.ask("GET")).body == b"ok"


async def test_a_write_that_may_have_arrived_is_never_sent_again(serve) -> None:
    server = await serve(OK, b"")
    await server.ask("POST")
    with pytest.raises(HttpFailed) as failed:
        await server.ask("POST")
    assert (failed.value.kind, failed.value.sent, len(server.heard)) == ("reset", True, 2)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nok",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        OK + OK,
    ],
)
async def test_every_way_to_end_an_answer_is_understood(serve, answer: bytes) -> None:
    server = await serve(answer)
    for _ in range(2):
        reply = await server.ask()
        assert (reply.status, reply.body) == (200, b"ok")
    assert server.connections == 2


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n", "reset"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, "reset"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "reset"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2_000, "too_large"),
    ],
)
async def test_half_an_answer_is_none(serve, answer: bytes, kind: str) -> None:
    server = await serve(answer)
    with pytest.raises(HttpFailed) as failed:
        await server.ask("POST", max_bytes=1_000)
    assert (failed.value.kind, failed.value.sent) == (kind, True)


async def test_a_call_that_is_given_up_takes_its_connection_with_it(serve) -> None:
    server = await serve(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", OK)
    call = asyncio.create_task(server.ask("POST"))
    await asyncio.sleep(0.05)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert not any(calls._clients_of_loop().lines._idle.values())


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "https://127.0.0.1:{port}/", "http://no-such-host.invalid/"])
async def test_who_cannot_be_reached_was_told_nothing(url: str) -> None:
    with pytest.raises(HttpFailed) as failed:
        await http.asend(HttpRequest("POST", url.format(port=free_port()), deadline_s=5))
    assert (failed.value.kind, failed.value.sent) == ("connect", False)
    await http.close()


@pytest.mark.parametrize(
    "request_", [HttpRequest("GET", "http://127.0.0.1/a b"), HttpRequest("GET", "http://127.0.0.1/", {"A": "b\r\nC: d"})]
)
async def test_a_request_that_would_be_another_is_not_written(request_: HttpRequest) -> None:
    with pytest.raises(HttpFailed) as failed:
        await http.asend(request_)
    assert failed.value.kind == "reset"


def _paying(server: Server, done: list[object], **more: object) -> flow.Flow[None]:
    try:
        done.append((yield Http(HttpRequest("POST", f"{server.url}/a", **more))).body)  # type: ignore[arg-type]
    except HttpFailed as failed:
        done.append((failed.kind, failed.sent))


async def test_a_call_over_an_open_connection_goes_on_when_its_caller_leaves(serve) -> None:
    server, done = await serve(OK, OK, OK), []
    await server.ask("POST")
    caller = asyncio.create_task(flow.arun_shielded(_paying(server, done)))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert await flow.drain(2) == 0
    assert (done, server.connections) == ([b"ok"], 1)


@pytest.mark.parametrize(
    ("answers", "more", "told"),
    [
        ((OK, b"", OK), {"deadline_s": 0.1}, ("timeout", True)),
        ((OK, b"HTTP/1.1 200 OK\r\n"), {}, ("reset", True)),
        ((OK, OK), {"max_bytes": 1}, ("too_large", True)),
        ((OK, OK), {"headers": {"X-A": "a\nb"}}, ("reset", True)),
    ],
)
async def test_a_flow_hears_how_a_call_over_an_open_connection_failed(serve, answers, more, told) -> None:
    server, done = await serve(*answers), []
    await server.ask("POST")
    await flow.arun_shielded(_paying(server, done, **more))
    assert (done, server.connections) == ([told], 1)
    assert not any(calls._clients_of_loop().lines._idle.values()) or "headers" in more
