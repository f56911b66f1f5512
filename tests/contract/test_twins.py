"""A hot view and its DRF twin give the same answers: the same bytes for reads, and for writes the same
but for ids and times."""

import asyncio
import re
from typing import Any

import orjson
import pytest

from config.asgi import lean, stock
from tests.contract.cases import READS, WRITES, Case, Ids
from tests.merchants.asgi import Reply, ask
from tests.payments.conftest import fresh  # noqa: F401
from tests.payments.shop import Shop

HANDLERS = {"hot": lean, "classic": stock}
_IDS = re.compile(r"\b(pi|ch|re|txn|cus|pm|tr|req|att|acct|nw)_[0-9a-z]{18,26}(_secret_[0-9A-Za-z_-]+)?")
_TIMES = re.compile(r'"(created|canceled_at|available_on)":\d+')
_BANK = re.compile(r"http://127\.0\.0\.1:\d+/authenticate/\S+?(?=[?\"])")


def masked(body: bytes) -> str:
    return _TIMES.sub(r'"\1":0', _IDS.sub(r"\1_…", _BANK.sub("bank", body.decode())))


def names(reply: Reply) -> list[str]:
    """Which headers there are, without those that Django's middleware adds for the sake of pages."""
    return sorted(reply.headers.keys() - {"cross-origin-opener-policy", "referrer-policy", "x-frame-options"})


def filled(value: Any, ids: Ids) -> Any:
    if isinstance(value, str):
        return value.format(**ids) if "{" in value else value
    if isinstance(value, dict):
        return {name: filled(item, ids) for name, item in value.items()}
    return value


async def sent(handler: str, case: Case, secret: str, ids: Ids, **headers: str) -> Reply:
    body = filled(case.body, ids)
    raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
    kind = "application/x-www-form-urlencoded" if isinstance(body, bytes) else "application/json"
    given = {"Authorization": f"Bearer {secret}", "Content-Type": kind} if case.method == "POST" else {"Authorization": f"Bearer {secret}"}
    return await ask(HANDLERS[handler], case.method, filled(case.path, ids), headers=given | headers | case.headers, chunks=[raw])


@pytest.mark.parametrize("name", WRITES)
async def test_a_write_is_answered_alike(name: str, make_merchant, sandbox: str) -> None:
    case, answers = WRITES[name], {}
    for handler in HANDLERS:
        shop, other = [Shop(await asyncio.to_thread(make_merchant)) for _ in range(2)]
        ids = await asyncio.to_thread(case.given, shop, other)
        reply = await sent(handler, case, shop.merchant.secret, ids)
        shown = await asyncio.to_thread(shop.events)
        answers[handler] = (reply.status, masked(reply.body), names(reply), shown)
    assert answers["hot"] == answers["classic"]
    assert answers["hot"][0] < 500


@pytest.mark.parametrize("name", READS)
async def test_a_read_is_answered_in_the_same_bytes(name: str, make_merchant, sandbox: str) -> None:
    case = READS[name]
    shop, other = [Shop(await asyncio.to_thread(make_merchant)) for _ in range(2)]
    ids = await asyncio.to_thread(case.given, shop, other)
    hot, classic = [await sent(handler, case, shop.merchant.secret, ids) for handler in HANDLERS]
    assert (hot.status, names(hot)) == (classic.status, names(classic))
    if hot.status == 200:
        assert hot.body == classic.body
    else:
        assert masked(hot.body) == masked(classic.body)
    assert hot.status < 500


@pytest.mark.parametrize(("first", "second"), [("hot", "classic"), ("classic", "hot")])
@pytest.mark.parametrize("name", ["create", "create and confirm", "create and be declined", "capture", "cancel", "refund", "transfer"])
async def test_what_one_answered_the_other_replays(name: str, first: str, second: str, make_merchant, sandbox: str) -> None:
    case = WRITES[name]
    shop, other = [Shop(await asyncio.to_thread(make_merchant)) for _ in range(2)]
    ids = await asyncio.to_thread(case.given, shop, other)
    headers = {"Idempotency-Key": "twice"}
    answer, replay = [await sent(handler, case, shop.merchant.secret, ids, **headers) for handler in (first, second)]
    assert (replay.status, replay.body) == (answer.status, answer.body)
    assert ("idempotent-replayed" in answer.headers, replay.headers["idempotent-replayed"]) == (False, "true")
