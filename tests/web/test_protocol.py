"""Too many hot requests are refused before they cost anything, in the words of any other refusal."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import uvicorn

from apps.core import admission
from config import asgi, lean, protocol
from config.protocol import Protocol

BODY = b"amount=1000&currency=eur"
UNUSUAL = {
    "chunked": (b"POST /v1/transfers HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n"),
    "large": (b"POST /v1/transfers HTTP/1.1\r\nContent-Length: 100000\r\n\r\n", b"x" * 100_000),
    "for one answer only": (b"POST /v1/transfers HTTP/1.1\r\nConnection: close\r\nContent-Length: 2\r\n\r\n", b"ab"),
    "asking first": (b"POST /v1/transfers HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", b"ab"),
    "old": (b"POST /v1/transfers HTTP/1.0\r\nContent-Length: 2\r\n\r\n", b"ab"),
}


def _request(path: str = "/v1/payment_intents", method: str = "POST") -> bytes:
    body = BODY if method == "POST" else b""
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.fixture
def full(monkeypatch) -> list[str]:
    """Nobody is let in; the paths that reach the application all the same."""
    monkeypatch.setattr(admission, "_limit", 0)
    reached: list[str] = []
    make = lean.LeanRequest
    monkeypatch.setattr(lean, "LeanRequest", lambda scope, body: (reached.append(scope["path"]), make(scope, body))[1])
    return reached


@asynccontextmanager
async def _talking(**settings: float) -> AsyncIterator[Callable]:
    """`say(bytes)` on one connection to the application behind the protocol; answers (status, headers, body)."""
    config = uvicorn.Config(asgi.application, http=Protocol, lifespan="off", log_config=None, access_log=False, **settings)
    config.load()
    state = uvicorn.server.ServerState()
    make = lambda: Protocol(config=config, server_state=state, app_state={})  # noqa: E731
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())

    async def say(*pieces: bytes) -> tuple[int, dict[str, str], bytes]:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.01)
        return await _answer(reader)

    yield say
    writer.close()
    server.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    async with asyncio.timeout(10):
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        return int(first.split()[1]), headers, await reader.readexactly(int(headers.get("content-length", 0)))


async def test_a_refusal_is_what_the_application_would_have_said_with_an_id_of_its_own(full) -> None:
    async with _talking() as say:
        status, headers, body = await say(_request())
        long_way = await say(UNUSUAL["chunked"][0], UNUSUAL["chunked"][1])
    assert full == ["/v1/transfers"]
    assert (status, headers.keys(), json.loads(body).keys()) == (503, long_way[1].keys(), json.loads(long_way[2]).keys())
    assert headers["retry-after"] == "1"
    assert headers["request-id"] != long_way[1]["request-id"]
    neutral = [re.sub(rb"req_\w{26}", b"req_", text) for text in (body, long_way[2])]
    assert (neutral[0], json.loads(body)["error"]["request_id"]) == (neutral[1], headers["request-id"])


async def test_a_connection_goes_on_after_its_refusal_however_the_body_came(full, monkeypatch) -> None:
    whole = _request()
    async with _talking() as say:
        statuses = [(await say(*pieces))[0] for pieces in ([whole], [whole[:-20], whole[-20:-5], whole[-5:]], [whole])]
        monkeypatch.setattr(admission, "_limit", 10)
        statuses.append((await say(whole))[0])
    assert (statuses, full, admission._coming) == ([503, 503, 503, 401], ["/v1/payment_intents"], 0)


async def test_two_refusals_of_pipelined_requests_come_one_after_the_other(full) -> None:
    async with _talking() as say:
        first, second = await say(_request() + _request()), await say()
    assert [first[0], second[0], full] == [503, 503, []]
    assert first[1]["request-id"] != second[1]["request-id"]


@pytest.mark.parametrize("kind", UNUSUAL)
async def test_what_is_unusual_goes_the_long_way_and_is_refused_there(full, kind: str) -> None:
    async with _talking() as say:
        statuses = [(await say(*UNUSUAL[kind]))[0]]
        if statuses == [100]:
            statuses.append((await say())[0])
    assert (statuses[-1], full) == (503, ["/v1/transfers"])


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/v1/customers", 401), ("/v1/balance?a=b", 503)])
async def test_only_what_is_hot_is_refused(full, path: str, status: int) -> None:
    async with _talking() as say:
        assert (await say(_request(path, "GET")))[0] == status


@pytest.mark.parametrize("missing", [5, len(BODY)])
async def test_a_body_that_never_comes_lets_the_connection_go(full, missing: int) -> None:
    async with _talking(timeout_keep_alive=0.1) as say:
        with pytest.raises(asyncio.IncompleteReadError):
            await say(_request()[:-missing])


async def test_a_pipelined_request_waits_for_the_one_before_it_even_to_be_refused(monkeypatch) -> None:
    monkeypatch.setattr(admission, "_limit", 1)
    async with _talking() as say:
        assert [(await say(_request() + _request()))[0], (await say())[0]] == [401, 401]
    assert admission._coming == 0


async def test_those_read_in_one_turn_are_counted_before_the_first_of_them_begins(monkeypatch) -> None:
    monkeypatch.setattr(admission, "_limit", 3)
    async with _talking() as one, _talking() as two, _talking() as three, _talking() as four:
        answers = await asyncio.gather(*(say(_request()) for say in (one, two, three, four)))
    assert sorted(status for status, _, _ in answers) == [401, 401, 401, 503]


@pytest.mark.parametrize(
    ("header", "client"), [("", "127.0.0.1"), ("X-Forwarded-For: 8.8.8.8\r\n", "8.8.8.8"), ("X-FORWARDED-PROTO: https\r\n", "https")]
)
async def test_a_proxy_is_believed_where_it_says_something(monkeypatch, header: str, client: str) -> None:
    seen: list[tuple] = []
    make = lean.LeanRequest
    monkeypatch.setattr(lean, "LeanRequest", lambda scope, body: (seen.append((scope["client"][0], scope["scheme"])), make(scope, body))[1])
    async with _talking() as say:
        assert (await say(_request().replace(b"Host:", f"{header}Host:".encode())))[0] == 401
    assert client in seen[0]


async def test_what_a_proxy_says_of_one_request_is_not_believed_of_the_next_one(monkeypatch) -> None:
    seen: list[str] = []
    make = lean.LeanRequest
    monkeypatch.setattr(lean, "LeanRequest", lambda *given: (request := make(*given), seen.append(request.META["REMOTE_ADDR"]))[0])
    proxied = _request().replace(b"Host:", b"X-Forwarded-For: 8.8.8.8\r\nHost:")
    async with _talking() as say:
        statuses = [(await say(request))[0] for request in (_request(), proxied, _request(), _request(), proxied)]
    assert statuses == [401] * 5
    assert seen == ["127.0.0.1", "8.8.8.8", "127.0.0.1", "127.0.0.1", "8.8.8.8"]


async def test_a_head_that_comes_in_pieces_is_waited_for_and_then_forgotten(monkeypatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_S", 0.3)
    whole = _request()
    async with _talking() as say:
        statuses = [(await say(*pieces))[0] for pieces in ([whole[:10], whole[10:40], whole[40:]], [whole[:30], whole[30:]])]
        await asyncio.sleep(0.4)
        statuses.append((await say(whole))[0])
    assert statuses == [401, 401, 401]


@pytest.mark.parametrize("begun", [b"GET /v1/ba", b"GET /v1/balance HTTP/1.1\r\nHost: localhost\r\nX-Slow: "])
async def test_a_head_that_does_not_end_is_refused_in_time(monkeypatch, begun: bytes) -> None:
    monkeypatch.setattr(protocol, "HEAD_S", 0.05)
    async with _talking() as say:
        status, headers, _ = await say(begun)
        assert (status, headers["connection"]) == (408, "close")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await say()


@pytest.mark.parametrize("begun", [b"GET /", b"GET / HTTP/1.1\r\nX-Long: "])
async def test_a_head_without_end_is_refused_before_it_fills_the_memory(begun: bytes) -> None:
    async with _talking() as say:
        assert (await say(begun, *[b"x" * 20_000] * 4))[0] == 431


async def test_who_asks_nothing_is_let_go() -> None:
    async with _talking(timeout_keep_alive=0.05) as say:
        with pytest.raises(asyncio.IncompleteReadError):
            await say()


async def test_half_a_head_behind_a_request_that_is_worked_on_takes_nothing_from_its_answer(monkeypatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_S", 0.01)
    answer = asgi.lean.get_response_async

    async def slowly(request):
        await asyncio.sleep(0.1)
        return await answer(request)

    monkeypatch.setattr(asgi.lean, "get_response_async", slowly)
    async with _talking() as say:
        assert (await say(_request() + b"GET /v1/ba"))[0] == 401
        assert (await say())[0] == 408
