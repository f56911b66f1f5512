"""Rate limits: exact with Redis, stricter without, never open."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from math import ceil

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from redis import Redis

from apps.core import ids
from apps.merchants.api import limits
from apps.merchants.domain import Caller
from apps.merchants.errors import RateLimited
from tests.merchants.asgi import ask

NOWHERE = "redis://127.0.0.1:1/0"


def caller(per_key: int = 20, per_merchant: int = 10_000, merchant=None) -> Caller:
    return Caller(
        merchant or ids.new_id(), False, ids.new_id(), frozenset(), "req_x", limit_per_key=per_key, limit_per_merchant=per_merchant
    )


async def let_in(who: Caller) -> bool:
    try:
        await limits.atake(who)
    except RateLimited:
        return False
    return True


def let_in_sync(who: Caller) -> bool:
    try:
        limits.take(who)
    except RateLimited:
        return False
    return True


async def passed(*who: Caller) -> int:
    return sum(await asyncio.gather(*(let_in(one) for one in who)))


def at_most(limit: int, since: float) -> int:
    """What a bucket can have given since then: all it held, and what it was filled up with."""
    return limit + ceil(limit * (time.monotonic() - since))


@pytest.fixture
def no_redis(monkeypatch):
    monkeypatch.setattr(settings, "REDIS_URL", NOWHERE)
    limits._async_clients.clear()
    yield
    limits._async_clients.clear()


async def test_of_200_at_once_at_a_limit_of_20_twenty_pass():
    who, since = caller(20), time.monotonic()
    assert 20 <= await passed(*[who] * 200) <= at_most(20, since)


def test_of_200_in_threads_at_a_limit_of_20_twenty_pass():
    who, since = caller(20), time.monotonic()
    with ThreadPoolExecutor(20) as threads:
        assert 20 <= sum(threads.map(let_in_sync, [who] * 200)) <= at_most(20, since)


async def test_the_bucket_fills_again():
    who, since = caller(20), time.monotonic()
    first = await passed(*[who] * 40)
    await asyncio.sleep(0.5)
    second = await passed(*[who] * 40)
    assert second >= 8
    assert first + second <= at_most(20, since)


async def test_all_keys_of_a_merchant_share_the_merchants_limit():
    merchant, since = ids.new_id(), time.monotonic()
    keys = [caller(100, 30, merchant) for _ in range(10)]
    assert 20 <= await passed(*keys * 20) <= at_most(30, since)


async def test_leases_never_exceed_what_redis_granted():
    who, since = caller(500), time.monotonic()
    assert 500 <= sum([await passed(*[who] * 40) for _ in range(50)]) <= at_most(500, since)


async def test_the_script_is_loaded_again_after_redis_lost_it():
    who = caller(20)
    await limits.atake(who)
    Redis.from_url(settings.REDIS_URL).script_flush()
    limits._leases.clear()
    assert await let_in(who)
    Redis.from_url(settings.REDIS_URL).script_flush()
    assert await asyncio.to_thread(let_in_sync, who)
    assert limits._closed_from == 0.0


async def test_without_redis_a_quarter_of_the_limit_passes(no_redis):
    who, since = caller(20), time.monotonic()
    assert 5 <= await passed(*[who] * 200) <= at_most(5, since)


def test_without_redis_threads_are_limited_too(no_redis):
    who, since = caller(20), time.monotonic()
    assert 5 <= sum(let_in_sync(who) for _ in range(100)) <= at_most(5, since)


async def test_without_redis_the_merchants_limit_still_holds(no_redis):
    merchant, since = ids.new_id(), time.monotonic()
    keys = [caller(100, 40, merchant) for _ in range(10)]
    assert 10 <= await passed(*keys * 10) <= at_most(10, since)


async def test_redis_is_left_alone_for_a_while_after_it_failed(no_redis):
    await let_in(caller())
    closed_from = limits._closed_from
    await let_in(caller())
    assert closed_from > 0
    assert limits._closed_from == closed_from


async def test_a_refusal_says_when_to_come_back():
    who = caller(2)
    await passed(who, who)
    with pytest.raises(RateLimited) as error:
        await limits.atake(who)
    assert (error.value.status, error.value.type) == (429, "rate_limit_error")
    assert error.value.headers == {
        "Retry-After": "1",
        "RateLimit-Limit": "2",
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": "1",
    }


async def test_the_limit_of_an_account_reaches_its_answers(app, make_merchant):
    shop = await sync_to_async(make_merchant)(settings={"limit_per_key": 3})
    replies = [await ask(app, "GET", "/v1/whoami/x", headers=shop.auth) for _ in range(12)]
    refused = [reply for reply in replies if reply.status == 429]
    assert [reply.status for reply in replies[:3]] == [200, 200, 200]
    assert replies[0].headers["ratelimit-limit"] == "3"
    assert refused
    assert (refused[0].error["code"], refused[0].headers["retry-after"]) == ("rate_limit", "1")
