"""An answer that goes out at once is the one that Uvicorn would have sent."""

import asyncio
import re
from collections.abc import Mapping

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from config import direct
from tests.web.test_protocol import BODY, _request, _talking

PAIRS = {"Content-Type": "application/json", "Content-Length": "2", "X-Name": "é"}


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written, self.is_closed = b"", False

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.is_closed = True


def cycle(method: str = "GET", *, keep_alive: bool = True) -> RequestResponseCycle:
    wire = Wire()
    return RequestResponseCycle(
        scope={"method": method}, transport=wire, flow=FlowControl(wire), logger=None, access_logger=None, access_log=False,
        default_headers=[(b"server", b"florin")], message_event=asyncio.Event(), expect_100_continue=False, keep_alive=keep_alive,
        on_response=lambda: None,
    )  # fmt: skip


async def the_long_way(of: RequestResponseCycle, status: int, pairs: Mapping[str, str], body: bytes) -> bytes:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs.items()]
    await of.send({"type": "http.response.start", "status": status, "headers": headers})
    await of.send({"type": "http.response.body", "body": body})
    return of.transport.written


@pytest.mark.parametrize("keep_alive", [True, False])
async def test_it_is_the_same_to_the_last_byte(keep_alive: bool) -> None:
    at_once = cycle(keep_alive=keep_alive)
    assert direct.sent(at_once.send, 404, PAIRS, b"{}")
    assert at_once.transport.written == await the_long_way(cycle(keep_alive=keep_alive), 404, PAIRS, b"{}")
    assert (at_once.response_complete, at_once.transport.is_closed) == (True, not keep_alive)


@pytest.mark.parametrize(
    ("status", "method", "pairs"),
    [
        (200, "HEAD", PAIRS),
        (204, "GET", PAIRS),
        (200, "GET", PAIRS | {"X-Name": "a\r\nSet-Cookie: b"}),
        (200, "GET", PAIRS | {"Content-Length": "3"}),
        (200, "GET", PAIRS | {"Connection": "close"}),
        (200, "GET", {"Content-Type": "text/plain"}),
    ],
)
async def test_what_is_unusual_is_left_to_uvicorn(status: int, method: str, pairs: dict[str, str]) -> None:
    of = cycle(method)
    assert not direct.sent(of.send, status, pairs, b"{}")
    assert (of.transport.written, of.response_started) == (b"", False)


async def test_who_reads_slowly_is_waited_for_and_who_has_left_is_told_nothing() -> None:
    slow, left = cycle(), cycle()
    slow.flow.write_paused, left.disconnected = True, True
    assert not any(direct.sent(of.send, 200, PAIRS, b"{}") for of in (slow, left))
    assert not direct.sent(lambda message: None, 200, PAIRS, b"{}")


async def test_only_a_body_that_is_there_is_taken() -> None:
    of = cycle("POST")
    of.body = bytearray(b"half")
    assert direct.body_of(of.receive) is None
    of.more_body = False
    assert direct.body_of(of.receive) == b"half"


async def test_requests_in_a_row_are_answered_as_uvicorn_would(monkeypatch) -> None:
    async def answers() -> list[tuple]:
        async with _talking() as say:
            found = [await say(_request()), await say(_request()[: -len(BODY)], BODY), await say(_request(method="GET"))]
        return [(status, headers.keys(), re.sub(rb"req_\w{26}", b"", body)) for status, headers, body in found]

    at_once = await answers()
    monkeypatch.setattr(direct, "sent", lambda *_: False)
    monkeypatch.setattr(direct, "body_of", lambda _: None)
    assert at_once == await answers()
    assert [status for status, *_ in at_once] == [401, 401, 401]
