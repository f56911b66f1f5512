"""Values in Redis from the event loop: in batches, and never waited for where Redis is away."""

import asyncio
import time

import pytest
import uvloop

from apps.core.caching import small_store
from apps.core.caching.small_store import SmallStore
from tests.own_redis import OwnRedis, own_redis

__all__ = ["own_redis"]


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A busy machine is no reason to give Redis up."""
    monkeypatch.setattr(small_store, "TIMEOUT_S", 0.5)


@pytest.fixture
async def store(own_redis: OwnRedis):
    made = SmallStore(own_redis.url, asyncio.get_running_loop())
    assert await made.open()
    yield made
    await made.close()


async def got(store: SmallStore, name: bytes) -> bytes | None:
    asker = store.get(name)
    return None if asker is None else await asker


async def put(store: SmallStore, name: bytes, value: bytes, **options) -> None:
    """Put, and there: look-ups go before what is put at the same time."""
    store.put(name, value, 60, **options)
    await got(store, b"-")


async def reconnected(store: SmallStore) -> None:
    """The circuit is closed again, as it would be after a while."""
    store.retry_at = 0.0
    assert await store.open()


async def test_what_was_put_is_found_and_what_was_not_is_not(store):
    await put(store, b"a", b"1")
    await put(store, b"b", b"\r\n\x00")
    assert [await got(store, name) for name in (b"a", b"b", b"c")] == [b"1", b"\r\n\x00", None]


async def test_a_value_goes_after_its_seconds_or_when_it_is_named(store, own_redis):
    await put(store, b"old", b"1")
    await put(store, b"new", b"2", gone=[b"old"])
    assert [await got(store, name) for name in (b"old", b"new")] == [None, b"2"]
    assert 0 < own_redis.client.ttl("new") <= 60


async def test_what_is_wanted_at_the_same_time_costs_one_question(store, own_redis):
    await put(store, b"n7", b"7")
    values = await asyncio.gather(*(got(store, b"n%d" % n) for n in range(100)))
    assert values[7] == b"7"
    assert values.count(None) == 99
    assert own_redis.calls("mget") == 1 + 1


async def test_a_flushed_redis_has_nothing_and_goes_on(store, own_redis):
    await put(store, b"a", b"1")
    assert await got(store, b"a") == b"1"
    own_redis.client.flushall()
    assert await got(store, b"a") is None
    await put(store, b"a", b"2")
    assert await got(store, b"a") == b"2"


async def test_a_redis_that_stands_still_is_waited_for_once_and_briefly(store, own_redis):
    own_redis.freeze()
    started = time.monotonic()
    assert await asyncio.gather(*(got(store, b"a") for _ in range(50))) == [None] * 50
    assert time.monotonic() - started < 5.0
    assert store.get(b"a") is None
    store.retry_at = 0.0
    assert store.get(b"a") is None, "nobody waits for a connection to be made"
    assert not await store.open()
    own_redis.thaw()
    await reconnected(store)
    await put(store, b"a", b"1")
    assert await got(store, b"a") == b"1"


async def test_a_redis_that_went_away_is_found_again_when_it_is_back(store, own_redis):
    own_redis.stop()
    assert await asyncio.gather(*(got(store, b"a") for _ in range(5))) == [None] * 5
    await reconnected_after(own_redis, store)
    await put(store, b"a", b"1")
    assert await got(store, b"a") == b"1"


async def reconnected_after(own_redis: OwnRedis, store: SmallStore) -> None:
    store.retry_at = 0.0
    assert not await store.open()
    await asyncio.to_thread(own_redis.start)
    await reconnected(store)


async def test_after_a_failure_redis_is_left_alone_for_a_while(own_redis):
    own_redis.stop()
    store = SmallStore(own_redis.url, asyncio.get_running_loop())
    assert not await store.open()
    assert store.get(b"a") is None
    assert store.connecting is None
    assert store.retry_at > asyncio.get_running_loop().time() + small_store.CIRCUIT_S - 1


async def test_an_error_of_redis_is_no_answer(store, own_redis):
    own_redis.client.config_set("maxmemory", "1")
    store.put(b"a", b"1", 60)
    assert await got(store, b"a") is None
    await asyncio.sleep(small_store.TIMEOUT_S)
    assert store.get(b"a") is None
    own_redis.client.config_set("maxmemory", "0")
    await reconnected(store)
    assert await got(store, b"a") is None


async def test_one_who_stops_waiting_does_not_take_the_others_along(store):
    await put(store, b"a", b"1")
    leaving, staying = (asyncio.ensure_future(got(store, b"a")) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == b"1"
    assert await got(store, b"a") == b"1"


async def test_what_waits_for_a_redis_that_stands_still_is_bounded(store, own_redis, monkeypatch):
    monkeypatch.setattr(small_store, "_MAX_WAITING_BYTES", 100)
    own_redis.freeze()
    asker = store.get(b"first")
    await asyncio.sleep(0)
    for n in range(100):
        store.put(b"n%d" % n, b"x" * 50, 60)
    assert len(store.puts) == 3
    assert await asker is None
    assert store.puts == []
    own_redis.thaw()


async def test_a_wrong_password_or_database_is_a_redis_that_is_away(own_redis):
    own_redis.client.config_set("requirepass", "right")
    for url in (f"redis://:wrong@127.0.0.1:{own_redis.port}/0", f"redis://:right@127.0.0.1:{own_redis.port}/999"):
        assert not await SmallStore(url, asyncio.get_running_loop()).open()
    store = SmallStore(f"redis://:right@127.0.0.1:{own_redis.port}/3", asyncio.get_running_loop())
    assert await store.open()
    await store.close()


async def test_what_is_put_goes_along_with_a_look_up_or_after_a_moment(store, own_redis, monkeypatch):
    sent: list[int] = []
    send = store.wire.send
    monkeypatch.setattr(store.wire, "send", lambda commands, *rest: (sent.append(len(commands)), send(commands, *rest)))
    store.put(b"a", b"1", 60)
    await asyncio.sleep(0)
    store.put(b"b", b"2", 60)
    assert (await got(store, b"-"), sent) == (None, [3])
    store.put(b"c", b"3", 60)
    async with asyncio.timeout(5):
        while not own_redis.client.exists("c"):
            await asyncio.sleep(0.005)
    assert sent == [3, 1]


async def test_what_waits_at_the_end_is_still_sent(own_redis):
    store = SmallStore(own_redis.url, asyncio.get_running_loop())
    await store.open()
    store.put(b"last", b"1", 60)
    await store.close()
    assert own_redis.client.get("last") == b"1"


def test_a_loop_that_was_late_still_reads_what_came(own_redis):
    own_redis.client.set("a", "1")

    async def late() -> bytes | None:
        store = SmallStore(own_redis.url, asyncio.get_running_loop())
        await store.open()
        asker = store.get(b"a")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        time.sleep(small_store.TIMEOUT_S * 2)
        return await asker

    assert uvloop.run(late()) == b"1"  # uvloop looks at its clock before it looks at its sockets
