"""Identical reads are one read, and nobody is shown what was true before he asked."""

import asyncio

import pytest
from asgiref.sync import sync_to_async

from apps.core import collapse, db
from apps.core.collapse import shared
from apps.core.errors import NotFound
from apps.core.flow import Rows, Sleep
from apps.core.ids import new_id


class Counted:
    """Reads that take a moment, and how often they really ran."""

    def __init__(self, seconds: float = 0.1) -> None:
        self.runs, self.seconds, self.key = 0, seconds, new_id()

    def flow(self, *, missing: bool = False):
        self.runs += 1
        run = self.runs
        yield Sleep(self.seconds)
        if missing:
            raise NotFound(kind="thing", id="x")
        return run

    async def read(self, **options) -> int:
        return await shared(self.key, self.flow(**options))


@pytest.fixture(autouse=True)
def nothing_left():
    yield
    assert not collapse._under_way
    assert not collapse._runs


async def test_a_crowd_is_served_by_two_runs():
    reads = Counted()
    results = await asyncio.gather(*(reads.read() for _ in range(100)))
    assert results == [1] + [2] * 99


async def test_different_reads_and_reads_one_after_the_other_are_not_shared():
    first, second = Counted(), Counted()
    assert await asyncio.gather(first.read(), second.read()) == [1, 1]
    assert await first.read() == 2


async def test_at_most_one_run_is_under_way_and_late_comers_share_the_next():
    reads = Counted()
    waiting = [asyncio.ensure_future(reads.read()) for _ in range(3)]
    await asyncio.sleep(0.15)  # the first is done, the second run is under way
    waiting += [asyncio.ensure_future(reads.read()) for _ in range(3)]
    assert await asyncio.gather(*waiting) == [1, 2, 2, 3, 3, 3]


async def test_a_read_that_began_after_a_commit_sees_it(make_merchant):
    shop = await sync_to_async(make_merchant)(name="old")

    def name():
        rows = yield Rows("SELECT name, pg_sleep(0.3)::text FROM merchants_merchant WHERE id = %s", [shop.id])
        return rows[0]["name"]

    before = [asyncio.ensure_future(shared(shop.id, name())) for _ in range(2)]
    await asyncio.sleep(0.1)
    await db.aquery("UPDATE merchants_merchant SET name = 'new' WHERE id = %s RETURNING id", [shop.id])
    assert await shared(shop.id, name()) == "new"
    assert await before[0] == "old"


async def test_an_error_is_everybodys_and_each_has_one_of_its_own():
    reads = Counted()
    results = await asyncio.gather(*(reads.read(missing=True) for _ in range(20)), return_exceptions=True)
    assert reads.runs == 2
    assert {(type(error), error.text) for error in results} == {(NotFound, "No such thing: 'x'.")}
    assert len({id(error) for error in results}) == 20


async def test_one_who_leaves_takes_nobody_along():
    reads = Counted()
    waiting = [asyncio.ensure_future(reads.read()) for _ in range(5)]
    await asyncio.sleep(0.01)
    waiting[0].cancel()  # runs the first read
    waiting[1].cancel()  # would have begun the next
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results[:2]] == [asyncio.CancelledError] * 2
    assert results[2:] == [2] * 3


async def test_where_everybody_has_left_nothing_is_read():
    reads = Counted()
    waiting = [asyncio.ensure_future(reads.read()) for _ in range(5)]
    await asyncio.sleep(0.01)
    for task in waiting[1:]:
        task.cancel()
    assert await waiting[0] == 1
    assert reads.runs == 1
