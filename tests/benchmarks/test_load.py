"""The load generator against a server that behaves, closes, sheds and cuts."""

import asyncio
import json
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson
import pytest

from benchmarks import asked
from tests.conftest import ROOT

OK = b'{"object":"balance"}'
Answer = Callable[[int, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[int]:
    """Calls `answer` for the n-th request of each connection; gives the port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for number in range(1_000_000):
                await reader.readuntil(b"\r\n\r\n")
                await answer(number, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def load(port: int, connections: int = 4, **more: object) -> dict:
    job = {"host": "127.0.0.1", "port": port, "connections": connections, "seconds": 0.4, "warmup": 0.1, "kind": "balance"}
    job |= {"prefix": uuid.uuid4().hex, "keys": ["sk"], "targets": []} | more
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.load", cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate(json.dumps(job).encode() + b"\n")
    first, second, result = output.decode().splitlines()
    assert (first, second) == ("begin", "end")
    return json.loads(result)


def answered(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def test_successes_are_counted_and_looked_at() -> None:
    async def answer(number: int, writer: asyncio.StreamWriter) -> None:
        text = answered(OK)
        writer.write(text[:10])
        await asyncio.sleep(0.001)
        writer.write(text[10:])

    async with serving(answer) as port:
        result = await load(port)
    assert result["answered"] > 10
    assert result["acknowledged"] >= result["answered"]
    assert result["sample"]["checked"] > 0
    assert (result["sample"]["wrong"], result["dropped"], result["refused"], result["unknown"]) == (0, 0, 0, 0)


async def test_a_server_that_says_that_it_closes_is_not_at_fault() -> None:
    async def answer(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(answered(OK, "200 OK", "Connection: close"))
        writer.close()

    async with serving(answer) as port:
        result = await load(port)
    assert result["answered"] > 10
    assert result["dropped"] == 0


async def test_a_connection_that_is_cut_inside_an_answer_is_dropped() -> None:
    async def answer(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(answered(OK)[:-1])
        writer.close()

    async with serving(answer) as port:
        result = await load(port)
    assert result["dropped"] > 0
    assert (result["answered"], result["acknowledged"]) == (0, 0)


async def test_a_503_is_counted_apart_and_answered_with_a_pause() -> None:
    async def answer(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(answered(b"{}", "503 Service Unavailable"))

    async with serving(answer) as port:
        result = await load(port, connections=8)
    assert result["answered"] == 0
    assert sum(result["statuses"].values()) <= 16
    assert result["dropped"] == 0


@pytest.mark.parametrize("body", [b'{"object":"list"}'])
async def test_a_wrong_body_is_noticed(body: bytes) -> None:
    async def answer(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(answered(body))

    async with serving(answer) as port:
        result = await load(port)
    assert result["sample"]["wrong"] == result["sample"]["checked"] > 0


async def test_what_is_never_answered_is_told() -> None:
    async def answer(number: int, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with serving(answer) as port:
        result = await load(port, drain=0.2)
    assert (result["timeouts"], result["unknown"], result["answered"]) == (4, 4, 0)


async def test_another_payment_than_the_one_asked_for_is_wrong() -> None:
    async def answer(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(answered(b'{"id":"pi_1","amount":5}'))

    async with serving(answer) as port:
        right = await load(port, connections=1, kind="get", targets=["pi_1"])
        wrong = await load(port, connections=1, kind="get", targets=["pi_2"])
    assert (right["sample"]["wrong"], wrong["sample"]["wrong"]) == (0, wrong["sample"]["checked"])


def test_a_page_begins_after_the_payment_that_was_named() -> None:
    ids = [f"pi_{n:02}" for n in range(30)]
    make, is_right = asked.KINDS["plain"]({"keys": ["sk"], "targets": ids})
    request = make()
    assert b"starting_after=pi_20&" in request or b"starting_after=pi_20 " in request
    page = [{"id": one} for one in reversed(ids[:20])]
    assert is_right(request, orjson.dumps({"data": page}))
    assert not is_right(request, orjson.dumps({"data": [{"id": one} for one in reversed(ids[1:21])]}))
    assert not is_right(request, orjson.dumps({"data": page[:19]}))
