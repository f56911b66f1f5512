"""Identical GETs at the same time, through the hot endpoint: few statements, nobody's but their own."""

import asyncio
from contextlib import contextmanager

import psycopg
import pytest
from django.conf import settings

from apps.core import db
from config.asgi import lean
from tests.merchants.asgi import Reply, ask
from tests.payments.shop import Shop


@contextmanager
def nobody_reads():
    """Reads of intents wait inside."""
    with psycopg.connect(settings.DATABASE_OWNER_DSN) as connection:
        connection.execute("LOCK TABLE payments_intent IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()


def get(path: str, secret: str) -> "asyncio.Task[Reply]":
    return asyncio.ensure_future(ask(lean, "GET", path, headers={"Authorization": f"Bearer {secret}"}))


async def asked(statements: list[str], count: int) -> int:
    """How many statements have been asked for, once there are `count` and nobody comes any more."""
    for _ in range(100):
        await asyncio.sleep(0.05)
        if len(statements) >= count:
            break
    await asyncio.sleep(0.3)
    return len(statements)


@pytest.fixture
def statements(monkeypatch) -> list[str]:
    """The statements that read intents on the hot pool."""
    query, ran = db.atuples, []

    async def noted(statement, params=()):
        if "payments_intent i" in statement:
            ran.append(statement)
        return await query(statement, params)

    monkeypatch.setattr(db, "atuples", noted)
    return ran


async def test_a_crowd_that_gets_one_payment_costs_two_statements(new_shop, statements):
    shop: Shop = await asyncio.to_thread(new_shop)
    intent = (await asyncio.to_thread(shop.create))["id"]
    with nobody_reads():
        crowd = [get(f"/v1/payment_intents/{intent}", shop.merchant.secret) for _ in range(50)]
        assert await asked(statements, 1) == 1
    replies = await asyncio.gather(*crowd)
    assert len(statements) == 2
    assert {(reply.status, reply.json["id"]) for reply in replies} == {(200, intent)}
    assert len({reply.headers["request-id"] for reply in replies}) == 50


async def test_nobody_gets_what_another_merchant_asked_for(new_shop, statements):
    mine, theirs = [await asyncio.to_thread(new_shop) for _ in range(2)]
    intent = (await asyncio.to_thread(mine.create))["id"]
    url = f"/v1/payment_intents/{intent}"
    with nobody_reads():
        crowd = [get(url, secret) for secret in (mine.merchant.secret, theirs.merchant.secret, mine.merchant.live_secret)]
        assert await asked(statements, 3) == 3
    assert [reply.status for reply in await asyncio.gather(*crowd)] == [200, 404, 404]


async def test_what_is_missing_is_missing_for_everybody(new_shop, statements):
    shop: Shop = await asyncio.to_thread(new_shop)
    crowd = [get("/v1/payment_intents/pi_" + "0" * 26, shop.merchant.secret) for _ in range(20)]
    replies = await asyncio.gather(*crowd)
    assert {(reply.status, reply.error["code"]) for reply in replies} == {(404, "resource_missing")}
    assert {reply.error["request_id"] for reply in replies} == {reply.headers["request-id"] for reply in replies}
    assert len(statements) == 2


async def test_another_query_is_another_read(new_shop, statements):
    shop: Shop = await asyncio.to_thread(new_shop)
    intent = (await asyncio.to_thread(shop.create))["id"]
    with nobody_reads():
        crowd = [get(f"/v1/payment_intents/{intent}{query}", shop.merchant.secret) for query in ("", "?expand[]=customer")]
        crowd += [get(f"/v1/payment_intents{query}", shop.merchant.secret) for query in ("?limit=1", "?limit=2")]
        assert await asked(statements, 4) == 4
    assert {reply.status for reply in await asyncio.gather(*crowd)} == {200}
