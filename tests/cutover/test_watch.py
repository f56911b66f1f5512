"""What a web process knows and tells, and what it does while it cannot ask."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from psycopg.conninfo import make_conninfo

from apps.cutover import services
from apps.cutover.api import watch
from apps.cutover.models import Outcome
from tests.cutover.conftest import path_of, send

BALANCE = "balance.retrieve"
BY = {"actor": "ada", "reason": "a test"}


async def in_thread(work: Any, **details: Any) -> Any:
    """Done on a thread that brings no connection along and keeps none: the database is of this test only."""

    def done() -> Any:
        connections.close_all()
        try:
            return work(**details)
        finally:
            connections.close_all()

    return await asyncio.to_thread(done)


def told() -> tuple[int, int]:
    """(requests, failures) of hot balances in the database."""
    rows = Outcome.objects.filter(endpoint=BALANCE, path="hot").values_list("requests", "failures")
    return sum(row[0] for row in rows), sum(row[1] for row in rows)


@pytest.fixture
async def watcher(scratch_database) -> AsyncIterator[watch.Watcher]:
    """A process of its own, so to say, on an empty database."""
    for lane in watch.LANES.values():
        list(lane.taken())
    process = watch.Watcher()
    yield process
    await process.end()
    watch._follow([])


@pytest.fixture
def nowhere(monkeypatch) -> Any:
    """Call it, and the database cannot be reached by who connects from now on."""
    lost = make_conninfo(settings.DATABASE_DIRECT_DSN, port=1)
    return lambda: monkeypatch.setattr(settings, "DATABASE_DIRECT_DSN", lost)


async def test_counts_are_told_once(watcher) -> None:
    lane = watch.LANES[BALANCE]
    lane.hot.requests, lane.hot.failures = 5, 2
    await watcher.tick()
    await watcher.tick()
    assert await in_thread(told) == (5, 2)
    lane.hot.requests = 1
    await watcher.tick()
    assert await in_thread(told) == (6, 2)


async def test_the_watch_outlives_what_nobody_has_foreseen(watcher, monkeypatch) -> None:
    def odd(said: Any) -> None:
        monkeypatch.undo()
        raise ValueError("an answer that nobody understands")

    monkeypatch.setattr(watcher, "_learn", odd)
    watcher.begin()
    await in_thread(services.throw, endpoint=BALANCE, hot_percent=30, **BY)
    async with asyncio.timeout(20):
        while watch.LANES[BALANCE].plan.others != 30:
            await asyncio.sleep(0.05)
    assert (watcher.known > 0, watcher.task.done()) == (True, False)


async def test_a_change_is_learnt_by_the_next_question(watcher) -> None:
    await watcher.tick()
    await in_thread(services.throw, endpoint=BALANCE, hot_percent=30, **BY)
    assert watch.LANES[BALANCE].plan.others == 100
    await watcher.tick()
    assert (watch.LANES[BALANCE].plan.others, watch.LANES[BALANCE].is_hot) == (30, False)


async def test_without_a_database_everything_stays_as_it_is(watcher, nowhere) -> None:
    await in_thread(services.throw, endpoint=BALANCE, hot_percent=30, **BY)
    await watcher.tick()
    await watcher.line.close()
    nowhere()
    await watcher.tick()
    assert (watcher.is_away, watch.LANES[BALANCE].plan.others) == (True, 30)


async def test_what_fails_while_the_database_is_away_is_not_held_against_the_endpoint(watcher, nowhere, monkeypatch) -> None:
    here, lane = settings.DATABASE_DIRECT_DSN, watch.LANES[BALANCE]
    nowhere()
    lane.hot.requests = lane.hot.failures = 1_000
    await watcher.tick()
    monkeypatch.setattr(settings, "DATABASE_DIRECT_DSN", here)
    lane.hot.requests = lane.hot.failures = 1_000
    await watcher.tick()
    assert (watcher.is_away, await in_thread(told), watcher.judging) == (False, (0, 0), None)
    lane.hot.requests = 7
    await watcher.tick()
    assert await in_thread(told) == (7, 0)


async def test_a_process_that_cannot_ask_when_it_starts_goes_classic(scratch_database, nowhere) -> None:
    nowhere()
    await watch.start()
    shares = {lane.plan.others for lane in watch.LANES.values()}
    await watch.stop()
    assert (shares, {lane.plan.others for lane in watch.LANES.values()}) == ({0}, {100})


async def test_whoever_sees_failures_judges_at_once(watcher) -> None:
    await in_thread(services.limit, endpoint=BALANCE, min_requests=10, **BY)
    lane = watch.LANES[BALANCE]
    # A bucket that began before the endpoint was last changed does not count: until the next one begins, all is well.
    for _ in range(60):
        lane.hot.requests = lane.hot.failures = 10
        await watcher.tick()
        assert watcher.judging is not None
        await watcher.judging
        await watcher.tick()
        if not lane.is_hot:
            break
        await asyncio.sleep(0.25)
    assert lane.plan.others == 0


async def test_a_refusal_by_the_endpoint_is_no_failure(watching, make_merchant) -> None:
    shop = await in_thread(make_merchant)
    tally = watch.LANES["payment_intents.retrieve"].hot
    before = tally.failures
    reply = await send(shop, "GET", "/v1/payment_intents/pi_nobody")
    assert (path_of(reply), reply.status, tally.failures) == ("hot", 404, before)


async def test_what_takes_long_to_fail_is_told_with_its_request(watching, make_merchant) -> None:
    shop, before = await in_thread(make_merchant), await in_thread(told)
    with closing(await in_thread(psycopg.connect, conninfo=settings.DATABASE_OWNER_DSN)) as owner:
        owner.execute("LOCK TABLE ledger_account IN ACCESS EXCLUSIVE MODE")
        # They fail when the wait for a lock ends, several questions of the process later.
        replies = await asyncio.gather(*(send(shop, "GET", "/v1/balance") for _ in range(3)))
    await watch.stop()
    after = await in_thread(told)
    assert ([reply.status for reply in replies], watch._watcher) == ([503] * 3, None)
    assert (after[0] - before[0], after[1] - before[1]) == (3, 3)
