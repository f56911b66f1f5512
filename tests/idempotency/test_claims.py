"""The SQL functions: who was first, what the others are told, and what a dead owner leaves behind."""

import pytest

from apps.core import db, ids
from apps.core.ids import new_id
from apps.idempotency.models import Record
from tests.idempotency.conftest import command, request_key


def write(*commands):
    return db.call("tests_write", commands)


def effects(key: str) -> int:
    return db.query("SELECT count(*) AS n FROM tests_effect WHERE key = %s", [key])[0]["n"]


def expire(key: str) -> None:
    db.query("UPDATE idempotency_record SET locked_until = clock_timestamp() - interval '1 s' WHERE key = %s RETURNING 1", [key])


def test_the_first_use_is_done_and_the_second_gets_its_answer():
    key = request_key(f"first-{new_id()}")
    assert write(command(key, '{"n":1}')) == [{"ok": {}}]
    assert write(command(key, '{"n":2}')) == [{"claim": {"outcome": "replay", "status": 200, "body": '{"n":1}'}}]
    assert effects(key.key) == 1


def test_another_body_under_the_same_key_has_no_effect():
    key = request_key(f"other-{new_id()}")
    write(command(key))
    changed = request_key(key.key, "another body", merchant=key.merchant_id)
    assert write(command(changed)) == [{"claim": {"outcome": "mismatch"}}]
    assert effects(key.key) == 1


def test_another_body_is_a_mismatch_while_the_first_still_runs():
    key = request_key(f"running-{new_id()}")
    write(command(key, leave_running=True))
    changed = request_key(key.key, "another body", merchant=key.merchant_id)
    assert write(command(changed)) == [{"claim": {"outcome": "mismatch"}}]


def test_the_same_key_is_another_key_for_another_merchant_or_mode():
    key = request_key(f"shared-{new_id()}")
    write(command(key))
    assert write(command(request_key(key.key))) == [{"ok": {}}]
    assert write(command(request_key(key.key, merchant=key.merchant_id, livemode=True))) == [{"ok": {}}]
    assert effects(key.key) == 3


def test_requests_without_a_key_are_all_new():
    assert write(command(request_key(None)), command(request_key(None))) == [{"ok": {}}, {"ok": {}}]


def test_one_key_twice_in_a_batch_is_done_once():
    key = request_key(f"batch-{new_id()}")
    changed = request_key(key.key, "another body", merchant=key.merchant_id)
    first, second, third = write(command(key, "one"), command(key, "two"), command(changed, "three"))
    assert first == {"ok": {}}
    assert second == {"claim": {"outcome": "replay", "status": 200, "body": "one"}}
    assert third == {"claim": {"outcome": "mismatch"}}
    assert effects(key.key) == 1


def test_while_the_lease_lives_others_are_told_that_it_runs():
    key = request_key(f"lease-{new_id()}")
    write(command(key, leave_running=True))
    assert write(command(key)) == [{"claim": {"outcome": "running"}}]


def test_an_expired_lease_is_taken_over_once_with_the_object_that_was_begun():
    key, made = request_key(f"dead-{new_id()}"), new_id()
    db.call("tests_write", [{"k": key.claim(made), "note": "", "leave_running": True}])
    expire(key.key)
    assert write(command(key)) == [{"claim": {"outcome": "resume", "object_id": str(made)}}]
    assert write(command(key)) == [{"claim": {"outcome": "running"}}]
    assert Record.objects.get(key=key.key).attempt_no == 2


def test_a_released_key_may_be_used_again():
    key = request_key(f"released-{new_id()}")
    write(command(key, leave_running=True))
    db.query("SELECT idempotency_release(%s::jsonb)", [db.encode(key.claim())])
    assert write(command(key)) == [{"ok": {}}]


def test_a_finished_key_is_not_released_and_keeps_its_first_answer():
    key = request_key(f"kept-{new_id()}")
    write(command(key, "first"))
    claim = db.encode(key.claim())
    db.query("SELECT idempotency_finish(%s::jsonb, 500, 'second')", [claim])
    db.query("SELECT idempotency_release(%s::jsonb)", [claim])
    assert write(command(key))[0]["claim"]["body"] == "first"


def test_claims_of_many_keys_answer_in_the_order_asked():
    keys = [request_key(name + str(ids.new_id())) for name in ("c", "a", "b")]
    write(command(keys[1], "stored"))
    outcomes = db.call("idempotency_claim_each", [key.claim() for key in keys])
    assert [outcome["outcome"] for outcome in outcomes] == ["new", "replay", "new"]


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("first", range(0, 30, 3))
def test_of_two_under_one_key_the_first_has_it_wherever_they_stand(answered: bool, first: int):
    merchant, names = new_id(), [f"{number * 11 % 32}" for number in range(32)]
    names[first + 2] = names[first]
    commands = [{"key": request_key(name, merchant=merchant).claim(new_id()), "answer": {"status": 200, "body": "{}"}} for name in names]
    if not answered:
        commands = [{**command, "answer": None} for command in commands]
    known = db.query("SELECT idempotency_claims(%s::jsonb, %s) AS known", [db.encode(commands), answered])[0]["known"]
    assert known == {str(first + 2): {"claim": {"outcome": "running"}}}
    assert Record.objects.get(merchant_id=merchant, key=names[first]).object_id == commands[first]["key"]["object_id"]
