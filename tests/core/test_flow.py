"""Flows: one story, two drivers, the same answers and the same failures."""

import asyncio

import pytest

from apps.core import flow, http
from apps.core.flow import Http, Rows, Sleep
from apps.core.http import HttpFailed, HttpRequest
from tests.conftest import free_port


def _sum(values: list[int]) -> flow.Flow[int]:
    total = 0
    for value in values:
        rows = yield Rows("SELECT %s::int AS value", [value])
        total += rows[0]["value"]
    yield Sleep(0)
    return total


def _call_nobody() -> flow.Flow[str]:
    try:
        yield Http(HttpRequest("GET", f"http://127.0.0.1:{free_port()}/", deadline_s=2))
    except HttpFailed as failed:
        return f"{failed.kind} sent={failed.sent}"
    return "answered"


async def test_both_drivers_give_the_same_answer() -> None:
    assert await asyncio.to_thread(flow.run, _sum([1, 2, 3])) == await flow.arun(_sum([1, 2, 3])) == 6


async def test_a_failed_call_is_raised_inside_the_flow_by_both_drivers() -> None:
    answers = {await asyncio.to_thread(flow.run, _call_nobody()), await flow.arun(_call_nobody())}
    assert answers == {"connect sent=False"}


async def test_shielded_work_goes_on_when_the_caller_leaves() -> None:
    done: list[str] = []

    def slow() -> flow.Flow[None]:
        yield Sleep(0.05)
        done.append("finished")

    caller = asyncio.create_task(flow.arun_shielded(slow()))
    await asyncio.sleep(0.01)
    caller.cancel()
    assert await flow.drain(2) == 0
    assert done == ["finished"]


async def _serve(answer: bytes, *, hold: float = 0.0) -> tuple[asyncio.Server, str]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await asyncio.sleep(hold)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def _failure_of(answer: bytes, *, hold: float = 0.0, deadline_s: float = 30.0) -> HttpFailed:
    server, url = await _serve(answer, hold=hold)
    with pytest.raises(HttpFailed) as failed:
        await http.asend(HttpRequest("GET", url, deadline_s=deadline_s, max_bytes=1000))
    server.close()
    return failed.value


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "reset"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000, "too_large"),
        (b"nonsense\r\n\r\n", "reset"),
        (b"", "reset"),
    ],
)
async def test_no_whole_answer_is_a_failure_of_a_known_kind(answer: bytes, kind: str) -> None:
    failed = await _failure_of(answer)
    assert (failed.kind, failed.sent) == (kind, True)


async def test_an_answer_that_stops_halfway_is_a_timeout() -> None:
    failed = await _failure_of(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", hold=10.0, deadline_s=0.5)
    assert (failed.kind, failed.sent) == ("timeout", True)


async def test_redirects_are_answers_not_journeys() -> None:
    server, url = await _serve(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    reply = await http.asend(HttpRequest("GET", url))
    server.close()
    assert (reply.status, reply.headers["location"]) == (302, "http://127.0.0.1:1/")
