"""Where requests go, and that nobody can tell."""

import asyncio

import pytest

from apps.cutover.domain import ENDPOINTS
from apps.payments.api.hot_urls import _VIEWS
from tests.cutover.conftest import path_of, send, throw

PAYMENT = {"amount": 2_000, "currency": "eur"}
INTENTS, BALANCE = "/v1/payment_intents", "/v1/balance"


@pytest.fixture
async def shop(make_merchant, watching):
    return await asyncio.to_thread(make_merchant)


def test_every_endpoint_has_its_view() -> None:
    assert sorted(name for view in _VIEWS.values() for name in view.endpoint.values()) == sorted(ENDPOINTS)


async def test_a_request_goes_the_way_its_switch_says(shop) -> None:
    before = path_of(await send(shop, "GET", BALANCE))
    await throw("balance.retrieve", shop, 0)
    thrown = path_of(await send(shop, "GET", BALANCE))
    await throw("balance.retrieve", shop, None)
    assert (before, thrown, path_of(await send(shop, "GET", BALANCE))) == ("hot", "classic", "hot")


async def test_only_the_merchant_and_the_endpoint_that_were_switched_go_there(shop, make_merchant) -> None:
    other = await asyncio.to_thread(make_merchant)
    await throw("balance.retrieve", shop, 0)
    assert path_of(await send(shop, "GET", BALANCE)) == "classic"
    assert path_of(await send(other, "GET", BALANCE)) == "hot"
    assert path_of(await send(shop, "GET", INTENTS)) == "hot"


async def test_both_ways_give_the_same_bytes(shop, sandbox) -> None:
    intent = (await send(shop, "POST", INTENTS, PAYMENT)).json["id"]
    hot = [await send(shop, "GET", url) for url in (BALANCE, INTENTS, f"{INTENTS}/{intent}")]
    await throw("*", shop, 0)
    classic = [await send(shop, "GET", url) for url in (BALANCE, INTENTS, f"{INTENTS}/{intent}")]
    assert [path_of(reply) for reply in hot + classic] == ["hot"] * 3 + ["classic"] * 3
    assert [(reply.status, reply.body) for reply in hot] == [(reply.status, reply.body) for reply in classic]


@pytest.mark.parametrize(("first", "then"), [(100, 0), (0, 100)])
async def test_a_retry_after_the_switch_has_the_first_answer(shop, sandbox, first: int, then: int) -> None:
    await throw("payment_intents.create", shop, first)
    answer = await send(shop, "POST", INTENTS, PAYMENT, Idempotency_Key="order-7")
    await throw("payment_intents.create", shop, then)
    replay = await send(shop, "POST", INTENTS, PAYMENT, Idempotency_Key="order-7")
    assert path_of(answer) != path_of(replay)
    assert (replay.status, replay.body) == (answer.status, answer.body)
    assert replay.headers["idempotent-replayed"] == "true"
    assert len((await send(shop, "GET", INTENTS)).json["data"]) == 1


async def test_the_same_key_goes_the_same_way(shop, sandbox) -> None:
    await throw("payment_intents.create", shop, 50)
    keys = [f"order-{number}" for number in range(12)]
    ways = [[path_of(await send(shop, "POST", INTENTS, PAYMENT, Idempotency_Key=key)) for key in keys] for _ in range(2)]
    assert ways[0] == ways[1]
    assert set(ways[0]) == {"hot", "classic"}


async def test_a_request_that_goes_classic_takes_one_token(watching, make_merchant) -> None:
    shop = await asyncio.to_thread(make_merchant, settings={"limit_per_key": 1})
    await throw("balance.retrieve", shop, 0)
    replies = await asyncio.gather(*(send(shop, "GET", BALANCE) for _ in range(6)))
    assert {reply.status for reply in replies} == {200, 429}
    assert {path_of(reply) for reply in replies if reply.status == 200} == {"classic"}


async def test_an_answer_has_one_request_id(shop) -> None:
    await throw("payment_intents.retrieve", shop, 0)
    missing = await send(shop, "GET", f"{INTENTS}/pi_nobody")
    assert (path_of(missing), missing.status) == ("classic", 404)
    assert missing.error["request_id"] == missing.headers["request-id"]


async def test_a_stranger_is_turned_away_before_anybody_looks_at_a_switch(shop) -> None:
    await throw("balance.retrieve", shop, 0)
    reply = await send(shop, "GET", BALANCE, Authorization="Bearer sk_test_nobody")
    assert (reply.status, path_of(reply)) == (401, "hot")
