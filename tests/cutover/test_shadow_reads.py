"""Hot reads, answered a second time by their DRF twins and compared."""

import asyncio
from typing import Any

import pytest
from django.conf import settings
from msgspec import structs

from apps.core import db
from apps.cutover import flows
from apps.cutover.api import shadowing
from apps.cutover.models import Sample
from apps.cutover.selectors import Summary
from apps.payments.api.views.intents import OnePaymentIntent
from apps.payments.renderers import objects
from tests.contract.cases import READS
from tests.contract.test_twins import sent
from tests.cutover.conftest import send
from tests.cutover.shadow import READ, compared, differences_of, handed_over
from tests.payments.shop import Shop

INTENTS = "/v1/payment_intents"


async def paid(make_merchant: Any) -> tuple[Shop, str]:
    shop = Shop(await asyncio.to_thread(make_merchant))
    return shop, (await asyncio.to_thread(shop.pay))["id"]


@pytest.mark.parametrize("name", READS)
async def test_the_two_paths_agree_under_a_snapshot(name: str, shadowed, make_merchant) -> None:
    case = READS[name]
    shop, other = [Shop(await asyncio.to_thread(make_merchant)) for _ in range(2)]
    ids = await asyncio.to_thread(case.given, shop, other)
    await sent("hot", case, shop.merchant.secret, ids)
    [(endpoint, found)] = (await compared()).items()
    assert found == Summary(endpoint, compared=1)


async def test_data_that_moved_on_is_no_difference(shadowed, make_merchant) -> None:
    shop = Shop(await asyncio.to_thread(make_merchant))
    intent = await asyncio.to_thread(shop.hold)
    await send(shop.merchant, "GET", f"{INTENTS}/{intent['id']}")
    await asyncio.to_thread(shop.capture, intent)
    assert await compared() == {READ: Summary(READ, compared=1, moved_on=1)}
    assert await asyncio.to_thread(differences_of, shop.merchant) == []


async def test_a_classic_path_that_renders_otherwise_is_found(shadowed, make_merchant, monkeypatch) -> None:
    shop, intent = await paid(make_merchant)
    await send(shop.merchant, "GET", f"{INTENTS}/{intent}")
    monkeypatch.setattr(OnePaymentIntent, "render", lambda self, record, expand: structs.replace(objects.payment_intent(record), amount=1))
    assert await compared() == {READ: Summary(READ, compared=1, differing=1)}
    [found] = await asyncio.to_thread(differences_of, shop.merchant)
    assert (found.what, found.endpoint, found.path) == ("amount", READ, f"{INTENTS}/{intent}")
    assert ('"amount":10000' in found.hot_body, '"amount":1,' in found.classic_body) == (True, True)
    assert (found.hot_status, found.classic_status, found.livemode) == (200, 200, False)


async def test_a_classic_path_that_fails_is_found(shadowed, make_merchant, monkeypatch) -> None:
    shop, intent = await paid(make_merchant)
    await send(shop.merchant, "GET", f"{INTENTS}/{intent}")

    def broken(self: Any, record: Any, expand: Any) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(OnePaymentIntent, "render", broken)
    await compared()
    [found] = await asyncio.to_thread(differences_of, shop.merchant)
    assert (found.what, found.classic_status, found.classic_body) == ("status 200 ≠ 500", 500, "RuntimeError")


async def test_an_answer_that_was_never_right_is_found_although_both_paths_agree_now(shadowed, make_merchant) -> None:
    shop, intent = await paid(make_merchant)
    await send(shop.merchant, "GET", f"{INTENTS}/{intent}")
    await handed_over()
    await asyncio.to_thread(garble, b'"livemode":false', b'"livemode":true')
    assert (await compared())[READ].differing == 1
    [found] = await asyncio.to_thread(differences_of, shop.merchant)
    assert found.what == "sent, and not for want of time: livemode"


def garble(old: bytes, new: bytes) -> None:
    [sample] = Sample.objects.all()
    Sample.objects.filter(id=sample.id).update(answer=bytes(sample.answer).replace(old, new))


async def test_no_secret_is_kept_of_a_difference(shadowed, make_merchant, monkeypatch) -> None:
    shop, intent = await paid(make_merchant)
    secret = (await send(shop.merchant, "GET", f"{INTENTS}/{intent}")).json["client_secret"]
    monkeypatch.setattr(OnePaymentIntent, "render", lambda self, record, expand: {"client_secret": "other_secret_1"})
    await compared()
    [found] = await asyncio.to_thread(differences_of, shop.merchant)
    assert secret not in found.hot_body
    assert "other_secret_1" not in found.classic_body
    assert found.hot_body.count('"client_secret":"secret, trace ') == 1


async def test_a_rehearsal_takes_none_of_the_callers_limit(shadowed, make_merchant, monkeypatch) -> None:
    from apps.merchants.api import limits

    shop, intent = await paid(make_merchant)
    await send(shop.merchant, "GET", f"{INTENTS}/{intent}")
    monkeypatch.setattr(limits, "take", None)
    assert (await compared())[READ] == Summary(READ, compared=1)


async def test_each_sample_is_compared_once_by_many_workers(shadowed, make_merchant) -> None:
    shop, intent = await paid(make_merchant)
    for _ in range(8):
        await send(shop.merchant, "GET", f"{INTENTS}/{intent}")
    await handed_over()
    done = await asyncio.gather(*(asyncio.to_thread(flows.compare_due, seconds=60) for _ in range(4)))
    assert sum(done) == 8
    assert await asyncio.to_thread(db.query, "SELECT id FROM cutover_sample") == []


def dropped() -> int:
    return int(db.query("SELECT coalesce(sum(dropped), 0)::int AS n FROM cutover_tally")[0]["n"])


async def test_what_does_not_fit_is_dropped_and_counted(shadowed, make_merchant, monkeypatch) -> None:
    shop, intent = await paid(make_merchant)
    monkeypatch.setattr(shadowing, "MOST", 2)
    answers = [await send(shop.merchant, "GET", f"{INTENTS}/{intent}") for _ in range(5)]
    assert {reply.status for reply in answers} == {200}
    before = await asyncio.to_thread(dropped)
    assert await handed_over() == 2
    assert await asyncio.to_thread(dropped) - before == 3


async def test_nothing_more_is_kept_while_nobody_compares(shadowed, make_merchant) -> None:
    shop, intent = await paid(make_merchant)
    await send(shop.merchant, "GET", f"{INTENTS}/{intent}")
    assert await handed_over() == 1
    await asyncio.to_thread(db.query, "UPDATE cutover_sample SET read_at = read_at - interval '61 seconds' RETURNING id")
    for _ in range(3):
        await send(shop.merchant, "GET", f"{INTENTS}/{intent}")
    before = await asyncio.to_thread(dropped)
    assert (await handed_over(), await asyncio.to_thread(dropped) - before) == (0, 3)
    assert (await compared())[READ].compared == 1
    await send(shop.merchant, "GET", f"{INTENTS}/{intent}")
    assert await handed_over() == 1


async def test_a_comparison_that_fails_takes_no_other_along(shadowed, make_merchant, monkeypatch) -> None:
    shop, intent = await paid(make_merchant)
    await send(shop.merchant, "POST", INTENTS, {"amount": 5, "currency": "eur"})
    await send(shop.merchant, "GET", f"{INTENTS}/{intent}")
    await handed_over()
    # Writes are compared with the help of what it says.
    monkeypatch.setattr(settings, "SHADOW_HISTORY", "tests.cutover.shadow.broken_history")
    assert await compared() == {READ: Summary(READ, compared=1)}
    waiting = "SELECT attempts FROM cutover_sample"
    assert await asyncio.to_thread(db.query, waiting) == [{"attempts": 1}]


async def test_a_replay_and_a_stranger_are_not_compared(shadowed, make_merchant) -> None:
    shop = Shop(await asyncio.to_thread(make_merchant))
    body = {"amount": 5, "currency": "eur"}
    for _ in range(2):
        reply = await send(shop.merchant, "POST", INTENTS, body, Idempotency_Key="again")
    await send(shop.merchant, "GET", INTENTS, Authorization="Bearer sk_test_nobody")
    assert "idempotent-replayed" in reply.headers
    assert await handed_over() == 1


async def test_what_was_taken_is_handed_over_when_the_process_ends(shadowed, make_merchant, monkeypatch) -> None:
    shop, intent = await paid(make_merchant)
    monkeypatch.setattr(settings, "SHADOW_READ_PERCENT", 100)
    shadowing.start()
    await send(shop.merchant, "GET", f"{INTENTS}/{intent}")
    await shadowing.stop()
    assert [row["endpoint"] for row in await asyncio.to_thread(db.query, "SELECT endpoint FROM cutover_sample")] == [READ]
