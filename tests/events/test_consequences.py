"""What follows from an event: worked off in its own row, tried again, parked."""

import signal
import subprocess
import sys
from datetime import timedelta

import pytest

from apps.core import db
from apps.core.errors import InvalidRequest
from apps.events import domain, services
from apps.events.domain import EventView
from tests.conftest import ROOT
from tests.events.world import Shop, now_due, relay
from tests.stack import Stack

ROUTES = {"charge.succeeded": ("tests.first", "tests.second")}


def waiting(shop: Shop, count: int = 1) -> list[str]:
    """Ids of `count` consequences of as many events."""
    events = [shop.emits() for _ in range(count)]
    relay({"charge.succeeded": ("tests.first",)})
    return [str(row["id"]) for event in events for row in shop.consequences(event)]


def row(consequence_id: str) -> dict:
    return db.query("SELECT * FROM events_consequence WHERE id = %s", [consequence_id])[0]


def fails(event: EventView) -> None:
    raise OSError("the address ada@example.com is away")


def test_every_task_that_follows_gets_its_own_row(shop):
    event_id = shop.emits()
    relay(ROUTES)
    assert [found["task"] for found in shop.consequences(event_id)] == ["tests.first", "tests.second"]


def test_the_handler_sees_the_event_as_it_was_written(shop):
    event_id = shop.emits(data={"id": "ch_9", "name": "Zoë"}, previous_attributes={"name": "Zoe"}, sequence=7)
    relay({"charge.succeeded": ("tests.first",)})
    seen: list[EventView] = []
    assert services.work_consequences([str(found["id"]) for found in shop.consequences(event_id)], seen.append) == 1
    (event,) = seen
    assert (event.id, event.merchant_id, event.sequence, event.object) == (event_id, shop.id, 7, {"id": "ch_9", "name": "Zoë"})


def test_one_that_fails_does_not_disturb_the_others(shop):
    ids = waiting(shop, 3)
    bad = row(ids[1])["event_id"]

    def handler(event: EventView) -> None:
        if event.id == bad:
            fails(event)

    assert services.work_consequences(ids, handler) == 3
    assert [row(one)["state"] for one in ids] == ["done", "pending", "done"]


def test_a_consequence_is_parked_after_its_fifth_failure(shop):
    (one,) = waiting(shop)
    for attempt, pause in enumerate(domain.CONSEQUENCE_PAUSES_S, start=1):
        services.work_consequences([one], fails)
        found = row(one)
        assert (found["state"], found["attempts"]) == ("pending", attempt)
        assert found["next_attempt_at"] - found["poke_at"] == timedelta(0)
        assert row(one)["next_attempt_at"] > db.query("SELECT clock_timestamp() AS t")[0]["t"] + timedelta(seconds=pause - 5)
        now_due([one])
    services.work_consequences([one], fails)
    assert (row(one)["state"], row(one)["attempts"], row(one)["finished_at"] is not None) == ("parked", 5, True)
    now_due([one])
    assert services.work_consequences([one], fails) == 0


def test_a_failure_is_named_without_what_it_says_unless_it_is_ours(shop):
    foreign, ours = waiting(shop, 2)
    services.work_consequences([foreign], fails)

    def refuses(event: EventView) -> None:
        raise InvalidRequest(param="amount", reason="too much")

    services.work_consequences([ours], refuses)
    assert row(foreign)["last_error"] == "OSError"
    assert "too much" in row(ours)["last_error"]


def test_a_consequence_in_work_is_not_taken_twice(shop):
    (one,) = waiting(shop)
    inner: list[int] = []
    services.work_consequences([one], lambda event: inner.append(services.work_consequences([one], fails)))
    assert inner == [0]
    assert (row(one)["state"], row(one)["attempts"]) == ("done", 1)


def test_one_that_is_done_is_not_done_again(shop):
    (one,) = waiting(shop)
    seen: list[EventView] = []
    assert services.work_consequences([one], seen.append) == 1
    now_due([one])
    assert services.work_consequences([one], seen.append) == 0
    assert len(seen) == 1


@pytest.fixture
def dies(tmp_path):
    """Works a consequence off in a process that dies in the middle of it."""
    program = (
        "import os, signal, sys, django; django.setup(); from apps.events.services import work_consequences;"
        "work_consequences([sys.argv[1]], lambda event: os.kill(os.getpid(), signal.SIGKILL))"
    )

    def run(consequence_id: str) -> int:
        environment = Stack(tmp_path).environment() | {"DJANGO_SETTINGS_MODULE": "config.settings.test"}
        return subprocess.run([sys.executable, "-c", program, consequence_id], cwd=ROOT, env=environment, check=False).returncode

    return run


def test_what_kills_its_worker_is_counted_and_parked(shop, dies):
    (one,) = waiting(shop)
    assert dies(one) == -signal.SIGKILL
    assert (row(one)["state"], row(one)["attempts"]) == ("pending", 1)
    assert services.work_consequences([one], fails) == 0, "its lease still runs"
    expired = "UPDATE events_consequence SET attempts = 5, lease_until = clock_timestamp() - interval '1 second' WHERE id = %s"
    db.query(expired, [one])
    assert services.work_consequences([one], fails) == 0
    assert row(one)["state"] == "parked"
