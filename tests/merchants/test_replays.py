"""Replays without PostgreSQL: the same bytes, never another's, and never what is not committed."""

import asyncio
from contextlib import suppress

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import transaction
from redis import Redis

from apps.core import db
from apps.core.caching import small_store
from apps.core.flow import Rows
from apps.core.ids import new_id
from apps.idempotency.api import replays
from apps.idempotency.domain import Answer
from apps.idempotency.models import Record
from tests.idempotency.conftest import request_key
from tests.merchants import things
from tests.own_redis import OwnRedis, own_redis

__all__ = ["own_redis"]

BODY = {"amount": 1050, "description": "é"}


@pytest.fixture(autouse=True)
async def connected(monkeypatch):
    """As a process that has started, and that gives Redis time: a busy machine is no reason to go without."""
    await replays.close()
    small_store._stores.clear()
    replays._client.cache_clear()
    monkeypatch.setattr(small_store, "TIMEOUT_S", 0.5)
    replays.forget()
    await replays.connect()
    yield
    await replays.close()
    small_store._stores.clear()
    replays._client.cache_clear()


@pytest.fixture
async def redis(own_redis: OwnRedis, monkeypatch):
    """Nobody else's Redis."""
    monkeypatch.setattr(settings, "REDIS_URL", own_redis.url)
    await replays.connect()
    return own_redis


@pytest.fixture
def key() -> str:
    return f"replay-{new_id()}"


async def effects(key: str) -> int:
    return (await db.aquery("SELECT count(*)::int AS n FROM tests_effect WHERE key = %s", [key]))[0]["n"]


@sync_to_async
def forget_in_postgresql(key: str) -> None:
    """After this only an answer that is kept elsewhere can be shown again."""
    assert Record.objects.filter(key=key).delete()[0] == 1


async def another_process() -> None:
    """What follows finds Redis as this process left it, and none of this process's memory."""
    store = small_store.of_this_loop(settings.REDIS_URL)
    while store.puts or (store.wire is not None and store.wire.busy):
        await asyncio.sleep(0.01)
    replays.forget()


async def test_a_replay_needs_no_postgresql(api, key):
    first = await api.post("/v1/things", BODY, Idempotency_Key=key)
    await forget_in_postgresql(key)
    near = await api.post("/v1/things", BODY, Idempotency_Key=key)
    await another_process()
    far = await api.post("/v1/things", BODY, Idempotency_Key=key)
    assert first.body == near.body == far.body
    assert [reply.headers.get("idempotent-replayed") for reply in (first, near, far)] == [None, "true", "true"]
    assert await effects(key) == 1


async def test_what_one_kind_of_view_kept_the_other_shows(hot_app, classic_app, api, key):
    first = await api.post("/v1/things", BODY, Idempotency_Key=key)
    await forget_in_postgresql(key)
    await another_process()
    api.app = hot_app if api.app is classic_app else classic_app
    replay = await api.post("/v1/things", BODY, Idempotency_Key=key)
    assert (replay.body, replay.headers["idempotent-replayed"]) == (first.body, "true")
    assert replays.answered == {"redis": 1}
    await api.post("/v1/things", BODY, Idempotency_Key=key)
    assert replays.answered == {"redis": 1, "near": 1}


async def test_another_body_is_refused_by_postgresql(api, key):
    await api.post("/v1/things", BODY, Idempotency_Key=key)
    await another_process()
    reply = await api.post("/v1/things", BODY | {"amount": 7}, Idempotency_Key=key)
    assert (reply.status, reply.error["code"]) == (422, "idempotency_key_reused")
    assert await effects(key) == 1


async def test_another_merchant_and_mode_never_see_it(api, shop, make_merchant, key):
    other = await sync_to_async(make_merchant)()
    await api.post("/v1/things", BODY, Idempotency_Key=key)
    await another_process()
    for authorization in (other.auth["Authorization"], f"Bearer {shop.live_secret}"):
        reply = await api.post("/v1/things", BODY, Idempotency_Key=key, Authorization=authorization)
        assert "idempotent-replayed" not in reply.headers
    assert await effects(key) == 3


@pytest.mark.parametrize("found", [b"", b"\x00" * 500, b"f" * 32 + b"abc{}", b"f" * 35, b"not an answer", b"f" * 32 + b"2"])
async def test_a_value_that_is_no_answer_to_this_request_changes_nothing(api, shop, key, found):
    asked = request_key(key, merchant=shop.id)
    Redis.from_url(settings.REDIS_URL).set(replays.name_of(asked), found)
    reply = await api.post("/v1/things", BODY, Idempotency_Key=key)
    assert (reply.status, "idempotent-replayed" in reply.headers) == (200, False)
    assert await effects(key) == 1


@pytest.mark.parametrize(
    "harm",
    [
        lambda value: value[: len(value) // 2],
        lambda value: value[:-1],
        lambda value: value[:35],
        lambda value: value + b" ",
        lambda value: value.replace(b"thing", b"think"),
        lambda value: value[:32] + value[37:],
    ],
    ids=["half", "all but a byte", "hardly any", "a byte more", "another byte", "as it was before it had a checksum"],
)
async def test_a_value_that_came_to_harm_in_redis_is_not_shown(api, redis, key, harm):
    first = await api.post("/v1/things", BODY, Idempotency_Key=key)
    await another_process()
    [name] = redis.client.keys("florin:replay:*")
    redis.client.set(name, harm(redis.client.get(name)))
    again = await api.post("/v1/things", BODY, Idempotency_Key=key)
    assert (again.status, again.body, "idempotent-replayed" in again.headers) == (200, first.body, True)
    assert (replays.answered["redis"], await effects(key)) == (0, 1)


async def test_a_flushed_redis_sends_replays_to_postgresql(api, redis, key):
    first = await api.post("/v1/things", BODY, Idempotency_Key=key)
    await another_process()
    redis.client.flushall()
    replay = await api.post("/v1/things", BODY, Idempotency_Key=key)
    assert (replay.body, replay.headers["idempotent-replayed"]) == (first.body, "true")
    assert not replays.answered
    await another_process()
    await forget_in_postgresql(key)
    assert (await api.post("/v1/things", BODY, Idempotency_Key=key)).body == first.body, "a replay is kept again"


@pytest.mark.parametrize("harm", ["stop", "freeze"])
async def test_without_redis_writes_and_replays_go_on(api, redis, harm):
    getattr(redis, harm)()
    keys = [f"replay-{new_id()}" for _ in range(10)]
    for round_ in range(2):
        replies = [await api.post("/v1/things", BODY, Idempotency_Key=key) for key in keys]
        assert {reply.status for reply in replies} == {200}
        assert {"idempotent-replayed" in reply.headers for reply in replies} == {bool(round_)}
        replays._near.clear()
    assert [await effects(key) for key in keys] == [1] * 10
    redis.thaw() if harm == "freeze" else None


async def test_a_name_in_redis_tells_nothing_of_the_key_and_a_value_nothing_of_the_caller(api, shop, redis, key):
    await api.post("/v1/things", BODY, Idempotency_Key=key)
    await another_process()
    names = redis.client.keys("florin:replay:*")
    values = [redis.client.get(name) for name in names]
    assert len(names) == 1
    assert 0 < redis.client.ttl(names[0]) <= settings.REPLAYS_KEPT_S
    assert not any(word.encode() in text for word in (key, shop.secret) for text in (*names, *values))


async def test_an_answer_that_is_not_the_stored_one_is_not_kept(api, monkeypatch, key):
    make = things.make_thing

    def passing(*args):
        answer = yield from make(*args)
        return Answer(answer.status, answer.body)

    monkeypatch.setattr(things, "make_thing", passing)
    await api.post("/v1/things", BODY, Idempotency_Key=key)
    await api.post("/v1/things", BODY, Idempotency_Key=key)
    assert not replays.answered


async def test_whoever_took_longer_than_a_lease_keeps_nothing(api, monkeypatch, key):
    monkeypatch.setattr(replays, "SURE_S", 0.0)
    await api.post("/v1/things", BODY, Idempotency_Key=key)
    assert (await api.post("/v1/things", BODY, Idempotency_Key=key)).headers["idempotent-replayed"] == "true"
    assert not replays.answered


async def test_the_answer_of_a_client_that_left_is_kept(hot_app, shop, monkeypatch, key):
    from tests.merchants.conftest import Api

    api, make, started = Api(hot_app, shop.secret), things.make_thing, asyncio.Event()

    def slow(*args):
        started.set()
        yield Rows("SELECT pg_sleep(0.1)")
        return (yield from make(*args))

    monkeypatch.setattr(things, "make_thing", slow)
    request = asyncio.ensure_future(api.post("/v1/things", BODY, Idempotency_Key=key))
    await started.wait()
    request.cancel()
    with suppress(asyncio.CancelledError):
        await request
    await asyncio.sleep(0.3)
    assert (await api.post("/v1/things", BODY, Idempotency_Key=key)).headers["idempotent-replayed"] == "true"
    assert replays.answered == {"near": 1}


def test_work_that_was_rolled_back_is_not_kept():
    asked = request_key(f"rolled-{new_id()}")
    with suppress(ZeroDivisionError), transaction.atomic():
        replays.keep(asked, Answer(200, b"{}", kept=True), begun_at=float("inf"))
        raise ZeroDivisionError
    assert replays.find(asked) is None


def test_inside_a_transaction_nothing_is_found():
    asked = request_key(f"inside-{new_id()}")
    replays.work_once(asked, lambda: (200, b"{}"))
    assert replays.find(asked) == Answer(200, b"{}", replayed=True)
    with transaction.atomic():
        assert replays.find(asked) is None


def test_a_process_leaves_no_more_in_redis_than_it_may():
    far = replays.Far(limit=300)
    assert [far.put(b"%d" % n, 100) for n in range(5)] == [[], [], [], [b"0"], [b"1"]]
    near = replays.Near(limit=300)
    for n in range(5):
        near.put(b"%d" % n, b"x" * 100, 60)
    assert [near.get(b"%d" % n) is not None for n in range(5)] == [False, False, True, True, True]


async def test_without_a_time_to_keep_them_postgresql_answers_all(api, shop, monkeypatch, key):
    monkeypatch.setattr(settings, "REPLAYS_KEPT_S", 0)
    for _ in range(2):
        reply = await api.post("/v1/things", BODY, Idempotency_Key=key)
    assert reply.headers["idempotent-replayed"] == "true"
    assert not replays.answered
    await another_process()
    assert not Redis.from_url(settings.REDIS_URL).exists(replays.name_of(request_key(key, merchant=shop.id)))
