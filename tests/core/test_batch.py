"""Group commit: many calls, one transaction, an outcome each."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.conf import settings
from psycopg.errors import LockNotAvailable, RaiseException

from apps.core import db, flow
from apps.core.db import batch
from apps.core.errors import Overloaded

_PROBE = """
CREATE TABLE probe (no int, xid xid8 DEFAULT pg_current_xact_id());
CREATE SEQUENCE probe_calls;
CREATE TABLE probe_row AS SELECT 1 AS no;
GRANT ALL ON probe, probe_row, probe_calls TO florin_app;
CREATE FUNCTION probe_write(commands jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE c jsonb; made jsonb := '[]';
BEGIN
    FOR c IN SELECT * FROM jsonb_array_elements(commands) LOOP
        PERFORM pg_sleep(coalesce((c ->> 'sleep')::float, 0));
        PERFORM pg_terminate_backend(pg_backend_pid()) WHERE c ? 'die';
        IF c ? 'poison' THEN RAISE EXCEPTION 'poison'; END IF;
        PERFORM nextval('probe_calls') WHERE c ? 'row';
        PERFORM FROM probe_row WHERE c ? 'row' FOR UPDATE;
        IF c ? 'deadlock' AND nextval('probe_calls') < (c ->> 'deadlock')::int THEN
            RAISE EXCEPTION 'deadlock' USING ERRCODE = 'deadlock_detected';
        END IF;
        INSERT INTO probe (no) VALUES ((c ->> 'no')::int);
        made := made || jsonb_build_object(
            'ok', CASE WHEN c ? 'patience' THEN to_jsonb(current_setting('lock_timeout')) ELSE c -> 'no' END);
    END LOOP;
    RETURN made;
END $$;
CREATE FUNCTION probe_other(commands jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT probe_write(commands)'
"""


@pytest.fixture(scope="module")
def probe_database(own_database: str) -> str:
    with psycopg.connect(settings.DATABASE_OWNER_DSN, autocommit=True) as owner:
        owner.execute(_PROBE)
    return own_database


@pytest.fixture
async def probe(probe_database: str) -> AsyncIterator[psycopg.Connection]:
    await db.close_lines()
    with psycopg.connect(settings.DATABASE_OWNER_DSN, autocommit=True) as owner:
        owner.execute("TRUNCATE probe")
        owner.execute("ALTER SEQUENCE probe_calls RESTART")
        yield owner
    await db.close_lines()


def _written(probe: psycopg.Connection) -> list[int]:
    return [no for (no,) in probe.execute("SELECT no FROM probe ORDER BY no")]


def _transactions(probe: psycopg.Connection) -> int:
    (count,) = probe.execute("SELECT count(DISTINCT xid) FROM probe").fetchone()  # type: ignore[misc]
    return int(count)


def _call(no: int, **more: object) -> asyncio.Future[db.Outcome]:
    return batch.call("probe_write", {"no": no, **more})


async def _settled(*calls: asyncio.Future[db.Outcome]) -> list[object]:
    return list(await asyncio.gather(*calls, return_exceptions=True))


async def test_calls_made_together_share_one_transaction_and_each_has_its_own_outcome(probe: psycopg.Connection) -> None:
    assert await _settled(*(_call(no) for no in range(20))) == [{"ok": no} for no in range(20)]
    assert _transactions(probe) == 1


async def test_while_a_batch_is_under_way_the_next_one_gathers(probe: psycopg.Connection) -> None:
    calls = [_call(0, sleep=0.3)]
    await asyncio.sleep(0.05)
    for no in range(1, 30):
        calls.append(_call(no))
        await asyncio.sleep(0.001)
    await _settled(*calls)
    assert _transactions(probe) == 2


async def test_what_another_function_is_asked_meanwhile_gathers_too(probe: psycopg.Connection, monkeypatch) -> None:
    monkeypatch.setattr(batch, "PATIENCE_S", 30)
    calls = [_call(0, sleep=0.3)]
    for no in range(1, 6):
        await asyncio.sleep(0.01)
        calls.append(batch.call("probe_other", {"no": no}))
    assert await _settled(*calls) == [{"ok": no} for no in range(6)]
    assert _transactions(probe) == 2


async def test_another_function_does_not_wait_for_a_stuck_one(probe: psycopg.Connection) -> None:
    slow = _call(0, sleep=0.5)
    await asyncio.sleep(0.05)
    assert await batch.call("probe_other", {"no": 1}) == {"ok": 1}
    assert not slow.done()
    assert await slow == {"ok": 0}


@pytest.mark.parametrize(("size", "bad"), [(2, 0), (2, 1), (3, 1), (11, 5), (63, 62), (64, 0)])
async def test_a_command_that_breaks_the_statement_fails_alone(probe: psycopg.Connection, size: int, bad: int) -> None:
    answers = await _settled(*(_call(no, **({"poison": 1} if no == bad else {})) for no in range(size)))
    assert isinstance(answers.pop(bad), RaiseException)
    assert answers == [{"ok": no} for no in range(size) if no != bad]
    assert _written(probe) == [no for no in range(size) if no != bad]


@contextmanager
def _row_held() -> Iterator[None]:
    with psycopg.connect(settings.DATABASE_OWNER_DSN) as other:
        other.execute("SELECT FROM probe_row FOR UPDATE")
        yield


async def test_who_needs_a_row_that_is_held_fails_alone_and_the_others_hardly_wait_again(probe: psycopg.Connection) -> None:
    with _row_held():
        answers = await _settled(*(_call(no, patience=1, **({"row": 1} if no in (2, 9) else {})) for no in range(12)))
    assert [no for no, answer in enumerate(answers) if isinstance(answer, LockNotAvailable)] == [2, 9]
    assert [answer for answer in answers if isinstance(answer, dict)] == [{"ok": "100ms"}] * 10


async def test_batches_sent_soon_after_one_that_met_a_held_row_have_little_patience_from_the_start(
    probe: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "WARY_S", 0.5)
    with _row_held():
        await _settled(_call(0, row=1))
        began = time.monotonic()
        answers = await _settled(_call(1, row=1), *(_call(no, patience=1) for no in range(2, 9)))
        took = time.monotonic() - began
    assert (type(answers[0]), answers[1:]) == (LockNotAvailable, [{"ok": "100ms"}] * 7)
    assert took < 2  # which is what the first wait alone would have been; now each of 8, 4, 2 and 1 waits 100 ms
    await asyncio.sleep(0.6)
    assert await _settled(_call(20, patience=1, row=1)) == [{"ok": "2s"}]


async def test_where_all_need_a_row_that_is_held_they_are_given_up_together(probe: psycopg.Connection, settings) -> None:
    settings.HOT_WAIT_S = 0.25
    with _row_held():
        answers = await _settled(*(_call(no, row=1) for no in range(64)))
    assert {type(answer) for answer in answers} == {LockNotAvailable}
    (tried,) = probe.execute("SELECT nextval('probe_calls') - 1").fetchone()  # type: ignore[misc]
    assert 1 < tried < 10


async def test_a_batch_whose_connection_is_lost_is_sent_no_second_time(probe: psycopg.Connection) -> None:
    answers = await _settled(*(_call(no, **({"die": 1} if no == 3 else {})) for no in range(4)))
    assert all(isinstance(answer, psycopg.OperationalError) for answer in answers)
    assert len({id(answer) for answer in answers}) == 4
    assert _written(probe) == []


async def test_a_deadlock_is_tried_again(probe: psycopg.Connection) -> None:
    assert await _settled(_call(1, deadlock=3), _call(2)) == [{"ok": 1}, {"ok": 2}]
    assert _written(probe) == [1, 2]


async def test_a_deadlock_that_stays_is_an_error_after_three_tries(probe: psycopg.Connection) -> None:
    (answer,) = await _settled(_call(1, deadlock=4))
    assert isinstance(answer, psycopg.errors.DeadlockDetected)


async def test_a_full_queue_refuses_at_once(probe: psycopg.Connection, settings) -> None:
    settings.HOT_QUEUE = 3
    waiting = [_call(no) for no in range(3)]
    with pytest.raises(Overloaded):
        _call(4)
    assert await _settled(*waiting) == [{"ok": no} for no in range(3)]


async def test_what_waited_too_long_was_never_started(probe: psycopg.Connection, settings) -> None:
    settings.HOT_WAIT_S = 0.2
    calls = []
    for no in range(3):
        calls.append(_call(no, sleep=0.6))
        await asyncio.sleep(0.05)
    answers = await _settled(*calls)
    assert [isinstance(answer, Overloaded) for answer in answers] == [False, True, True]
    assert _written(probe) == [0]


async def test_a_caller_that_leaves_takes_nobody_with_it(probe: psycopg.Connection) -> None:
    calls = [_call(no, sleep=0.01) for no in range(4)]
    await asyncio.sleep(0.02)
    calls[1].cancel()
    answers = await _settled(calls[0], calls[2], calls[3])
    assert answers == [{"ok": 0}, {"ok": 2}, {"ok": 3}]
    assert _written(probe) == [0, 1, 2, 3]


async def test_a_flow_whose_caller_leaves_during_a_write_goes_on_to_its_end(probe: psycopg.Connection) -> None:
    def writes() -> flow.Flow[None]:
        assert (yield flow.Sql("probe_write", {"no": 1, "sleep": 0.2})) == {"ok": 1}
        yield flow.Sql("probe_write", {"no": 2})

    caller = asyncio.create_task(flow.arun_shielded(writes()))
    await asyncio.sleep(0.05)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert await flow.drain(2) == 0
    assert _written(probe) == [1, 2]


async def test_more_than_the_largest_batch_goes_in_several(probe: psycopg.Connection) -> None:
    await _settled(*(_call(no) for no in range(batch.LARGEST + 5)))
    assert _transactions(probe) == 2
    assert len(_written(probe)) == batch.LARGEST + 5
