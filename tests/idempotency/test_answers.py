"""answer_once and claimed: the same bytes again, or a clear refusal."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from apps.core import db, flow
from apps.core.errors import InvalidRequest
from apps.core.flow import Sleep, Sql
from apps.core.ids import new_id
from apps.idempotency import flows, services
from apps.idempotency.domain import Answer, checked_key, fingerprint
from apps.idempotency.errors import IdempotencyKeyInUse, IdempotencyKeyInvalid, IdempotencyKeyReused
from apps.idempotency.flows import claimed
from apps.idempotency.models import Record
from tests.idempotency.conftest import command, request_key


def never():
    raise AssertionError("done twice")


def writes(key, note: str = '{"a":1}', **options):
    return claimed(lambda: Sql("tests_write", command(key, note, **options)))


def test_work_is_done_once_and_its_bytes_are_kept():
    key = request_key(f"once-{new_id()}")
    body = '{"b": "é", "a":1}'.encode()
    assert services.answer_once(key, lambda: (201, body)) == Answer(201, body)
    assert services.answer_once(key, never) == Answer(201, body, replayed=True)


def test_work_that_raises_leaves_the_key_unused():
    key = request_key(f"raises-{new_id()}")

    def fail():
        raise InvalidRequest(param="amount", reason="no")

    with pytest.raises(InvalidRequest):
        services.answer_once(key, fail)
    assert not Record.objects.filter(key=key.key).exists()
    assert services.answer_once(key, lambda: (200, b"{}")) == Answer(200, b"{}")


def test_another_body_under_the_key_is_refused_and_nothing_is_done():
    key = request_key(f"reused-{new_id()}")
    services.answer_once(key, lambda: (200, b"{}"))
    with pytest.raises(IdempotencyKeyReused) as error:
        services.answer_once(request_key(key.key, "other", merchant=key.merchant_id), never)
    assert error.value.status == 422


def test_a_second_request_waits_for_the_first_and_gets_its_answer():
    key, started = request_key(f"waits-{new_id()}"), threading.Event()

    def slow():
        started.set()
        time.sleep(0.5)
        return 200, b'{"slow":true}'

    def first():
        try:
            services.answer_once(key, slow)
        finally:
            connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    started.wait(5)
    answer = services.answer_once(key, never)
    thread.join()
    assert answer == Answer(200, b'{"slow":true}', replayed=True)


def test_a_key_whose_request_runs_longer_than_two_seconds_is_in_use():
    key = request_key(f"busy-{new_id()}")
    db.call("tests_write", [command(key, leave_running=True)])
    started = time.monotonic()
    with pytest.raises(IdempotencyKeyInUse) as error:
        services.answer_once(key, never)
    assert 1.9 < time.monotonic() - started < 3.0
    assert (error.value.status, error.value.headers) == (409, {"Retry-After": "1"})


def test_the_flow_returns_the_outcome_then_the_stored_answer():
    key = request_key(f"flow-{new_id()}")
    assert flow.run(writes(key)) == {"ok": {}}
    assert flow.run(writes(key)) == Answer(200, b'{"a":1}', replayed=True)


def test_the_flow_refuses_another_body():
    key = request_key(f"flow-{new_id()}")
    flow.run(writes(key))
    with pytest.raises(IdempotencyKeyReused):
        flow.run(writes(request_key(key.key, "other", merchant=key.merchant_id)))


async def test_the_flow_waits_on_the_loop_and_gets_the_answer_of_the_first():
    key = request_key(f"aflow-{new_id()}")
    await flow.arun(writes(key, leave_running=True))
    waiting = flow.arun_shielded(writes(key))
    await db.aquery("SELECT idempotency_finish(%s::jsonb, 200, 'late')", [db.encode(key.claim())])
    assert await waiting == Answer(200, b"late", replayed=True)


@pytest.mark.parametrize(("asking_s", "times"), [(0.02, 30), (0.2, 9), (3.0, 2)])
def test_the_flow_gives_up_after_two_seconds_however_long_it_takes_to_ask(monkeypatch, asking_s: float, times: int):
    clock, asked, steps = [100.0], [], writes(request_key(f"given-up-{new_id()}"))
    monkeypatch.setattr(flows.time, "monotonic", lambda: clock[0])

    def drive():
        step = next(steps)
        while True:
            answer = asked.append(step) if isinstance(step, Sleep) else {"claim": {"outcome": "running"}}
            clock[0] += step.seconds if isinstance(step, Sleep) else asking_s
            step = steps.send(answer)

    with pytest.raises(IdempotencyKeyInUse):
        drive()
    assert len(asked) + 1 == times


def test_a_lease_that_ran_out_is_handed_to_the_caller():
    key, made = request_key(f"resume-{new_id()}"), new_id()
    db.call("tests_write", [{"k": key.claim(made), "note": "", "leave_running": True}])
    db.query("UPDATE idempotency_record SET locked_until = clock_timestamp() WHERE key = %s RETURNING 1", [key.key])
    assert flow.run(writes(key)) == {"claim": {"outcome": "resume", "object_id": str(made)}}


def test_old_records_are_purged_and_running_ones_kept():
    old, running, fresh = (request_key(f"{name}-{new_id()}") for name in ("old", "running", "fresh"))
    db.call("tests_write", [command(old), command(running, leave_running=True), command(fresh)])
    Record.objects.filter(key__in=[old.key, running.key]).update(created=Now() - timedelta(days=31))
    assert services.purge(batch=1) >= 1
    left = set(Record.objects.filter(key__in=[old.key, running.key, fresh.key]).values_list("key", flat=True))
    assert left == {running.key, fresh.key}


@pytest.mark.parametrize("values", [[""], ["x" * 256], ["a", "a"], ["tab\there"], ["é"], ["日本"], ["\x7f"]])
def test_a_key_that_cannot_be_used_is_refused(values):
    with pytest.raises(IdempotencyKeyInvalid) as error:
        checked_key(values)
    assert (error.value.status, error.value.type) == (400, "idempotency_error")


def test_a_usable_key_is_taken_as_it_is():
    assert checked_key(["x" * 255]) == "x" * 255
    assert checked_key(["order 7, again!"]) == "order 7, again!"
    assert checked_key([]) is None


def test_the_fingerprint_covers_method_path_and_body():
    base = fingerprint("POST", "/v1/refunds", b"{}")
    others = {fingerprint("DELETE", "/v1/refunds", b"{}"), fingerprint("POST", "/v1/x", b"{}"), fingerprint("POST", "/v1/refunds", b"[]")}
    assert len(base) == 32
    assert len(others | {base}) == 4
