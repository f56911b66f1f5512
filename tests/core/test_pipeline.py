"""Reads share connections: each has its own answer or its own failure, whatever happens beside it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any, LiteralString, cast
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings

from apps.core.db.pipeline import Lines
from apps.core.errors import Overloaded


def _lines(*, count: int = 1, prepare: bool = True, wait_s: float = 2.0) -> Lines:
    return Lines(settings.HOT_DATABASE_DSN, count=count, prepare=prepare, wait_s=wait_s)


@pytest.fixture(params=[True, False], ids=["prepared", "unprepared"])
async def lines(request: pytest.FixtureRequest, database: str) -> AsyncIterator[Lines]:
    made = _lines(prepare=request.param)
    yield made
    await made.close()


async def _value(lines: Lines, statement: str, params: Any = ()) -> Any:
    return (await lines.ask(statement, params)).rows[0][0]


async def test_each_of_many_at_once_gets_its_own_answer(lines: Lines) -> None:
    answers = await asyncio.gather(*(_value(lines, "SELECT %s::int", [number]) for number in range(300)))
    assert answers == list(range(300))


async def test_values_of_every_kind_come_back_as_they_went(lines: Lines) -> None:
    values = [uuid4(), True, None, 5, 2**40, "50 % é", b"\x00\xff", datetime.now(UTC), date(2026, 11, 1), ["a", "b"]]
    kinds = ["uuid", "bool", "text", "int", "bigint", "text", "bytea", "timestamptz", "date", "text[]"]
    statement = "SELECT " + ", ".join(f"%s::{kind}" for kind in kinds)
    assert (await lines.ask(statement, values)).rows == [tuple(values)]


async def test_json_columns_are_read(lines: Lines) -> None:
    assert await _value(lines, """SELECT '{"a": [1, "%"]}'::jsonb""") == {"a": [1, "%"]}


async def test_a_named_parameter_may_stand_twice_beside_a_percent_sign(lines: Lines) -> None:
    found = await lines.ask("SELECT %(a)s::text || '%%' || %(b)s::text || %(a)s::text AS joined", {"a": "x", "b": "y", "unused": 1})
    assert (found.columns, found.rows) == (("joined",), [("x%yx",)])


async def test_a_statement_is_planned_once(database: str) -> None:
    lines = Lines(settings.HOT_DATABASE_DSN, count=1, prepare=True, wait_s=2.0, plan_once=True)
    for number in range(7):
        await lines.ask("SELECT relname FROM pg_class WHERE %s::oid = oid", [number])
    plans = await lines.ask("SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE '%FROM pg_class%oid'", ())
    await lines.close()
    assert plans.rows == [(7, 0)]


async def test_a_failure_is_its_own(lines: Lines) -> None:
    asked = [_value(lines, "SELECT 10 / %s::int", [number]) for number in (5, 0, 2)]
    first, failed, last = await asyncio.gather(*asked, return_exceptions=True)
    assert (first, type(failed), last) == (2, psycopg.errors.DivisionByZero, 5)


async def test_a_statement_that_could_not_be_prepared_works_once_it_can_be(lines: Lines) -> None:
    name = f"absent_{uuid4().hex}"
    with pytest.raises(psycopg.errors.UndefinedFunction):
        await _value(lines, f"SELECT {name}()")
    await asyncio.to_thread(_as_owner, f"CREATE FUNCTION {name}() RETURNS int LANGUAGE sql AS 'SELECT 7'")
    assert await _value(lines, f"SELECT {name}()") == 7
    await asyncio.to_thread(_as_owner, f"DROP FUNCTION {name}()")


async def test_who_does_not_wait_any_more_disturbs_nobody(lines: Lines) -> None:
    await _value(lines, "SELECT 1")
    left = asyncio.ensure_future(_value(lines, "SELECT pg_sleep(0.05)"))
    await asyncio.sleep(0)
    stayed = asyncio.ensure_future(_value(lines, "SELECT 2"))
    left.cancel()
    assert await stayed == 2


async def test_large_questions_and_answers_pass(lines: Lines) -> None:
    text = "é" * 3_000_000
    answers = await asyncio.gather(*(_value(lines, "SELECT %s::text", [text]) for _ in range(3)))
    assert answers == [text] * 3


async def test_a_lost_connection_fails_what_was_under_way_and_nothing_after(lines: Lines) -> None:
    pid = await _value(lines, "SELECT pg_backend_pid()")
    waiting = asyncio.ensure_future(_value(lines, "SELECT pg_sleep(20)"))
    await asyncio.sleep(0.05)
    await asyncio.to_thread(_terminate, pid)
    with pytest.raises(psycopg.OperationalError):
        await asyncio.wait_for(waiting, 5)
    assert await _value(lines, "SELECT pg_backend_pid()") != pid


async def test_a_connection_that_was_lost_while_idle_is_not_noticed(lines: Lines) -> None:
    pid = await _value(lines, "SELECT pg_backend_pid()")
    await asyncio.to_thread(_terminate, pid)
    await asyncio.sleep(0.1)
    assert await _value(lines, "SELECT 1") == 1


async def test_behind_a_statement_that_takes_too_long_nothing_more_is_started(database: str) -> None:
    lines = _lines(wait_s=0.02)
    await _value(lines, "SELECT 1")
    slow = asyncio.ensure_future(_value(lines, "SELECT pg_sleep(0.2)::text"))
    await asyncio.sleep(0.05)
    with pytest.raises(Overloaded):
        await _value(lines, "SELECT 1")
    assert await slow == ""
    await lines.close()


async def test_the_next_statement_takes_the_line_with_less_to_do(database: str) -> None:
    lines = _lines(count=2)
    await _value(lines, "SELECT 1")
    slow = asyncio.ensure_future(lines.ask("SELECT pg_sleep(0.5)", ()))
    await asyncio.sleep(0.1)
    assert (await _value(lines, "SELECT 1"), slow.done()) == (1, False)
    await lines.close()


async def test_closing_waits_for_what_is_under_way(database: str) -> None:
    lines = _lines()
    await _value(lines, "SELECT 1")
    asked = asyncio.ensure_future(_value(lines, "SELECT pg_sleep(0.2)::text || 'done'"))
    await asyncio.sleep(0)
    await lines.close()
    assert await asked == "done"


def _terminate(pid: int) -> None:
    with psycopg.connect(settings.HOT_DATABASE_DSN, autocommit=True) as beside:
        beside.execute("SELECT pg_terminate_backend(%s)", [pid])


def _as_owner(statement: str) -> None:
    with psycopg.connect(settings.DATABASE_OWNER_DSN, autocommit=True) as owner:
        owner.execute(cast(LiteralString, statement))
