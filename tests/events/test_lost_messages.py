"""The broker is no store: what it forgets is found again in the database."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import redis

from apps.core import db
from apps.events import flows, services
from tests.conftest import ROOT
from tests.events.world import Shop, relay
from tests.stack import Stack

SWEEP = "import django; django.setup(); from apps.events.tasks import sweep; print(sweep())"


@pytest.fixture
def stack(tmp_path) -> Iterator[Stack]:
    running = Stack(tmp_path)
    yield running
    running.stop()
    forget_messages(running)


def forget_messages(stack: Stack) -> int:
    """The broker has lost what this stack's programs told it, and nothing of others'."""
    broker = redis.Redis.from_url(stack.environment()["CELERY_BROKER_URL"])
    keys = list(broker.scan_iter(match=stack.environment()["CELERY_KEY_PREFIX"] + "*", count=1000))
    return broker.delete(*keys) if keys else 0


def later(shop: Shop, seconds: int = 46) -> None:
    """The merchant's deliveries as they would stand `seconds` from now."""
    moved = "poke_at = poke_at - make_interval(secs => %s), lease_until = lease_until - make_interval(secs => %s)"
    db.query(f"UPDATE events_delivery SET {moved} WHERE merchant_id = %s AND state = 'pending'", [seconds, seconds, shop.id])


def swept(shop: Shop) -> list[str]:
    """Ids that the sweeper would tell workers of, of this merchant."""
    mine = {str(row["id"]) for row in db.query("SELECT id FROM events_delivery WHERE merchant_id = %s", [shop.id])}
    found: list[str] = []
    while (work := services.sweep_batch(batch=500)).found:
        found += [one for ids in work.deliveries.values() for one in ids if one in mine]
    return found


def wait_for_calls(listener, count: int, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while len(listener.calls) < count:
        assert time.monotonic() < until, f"{len(listener.calls)} of {count} calls came"
        time.sleep(0.05)


def test_the_sweeper_tells_of_work_that_nobody_heard_of_for_45_s_and_then_waits(shop):
    endpoint = shop.listens("https://shop.example/hook")
    event_id = shop.emits()
    relay()
    delivery = str(shop.delivery(event_id, endpoint)["id"])
    assert swept(shop) == []
    later(shop)
    assert swept(shop) == [delivery]
    assert swept(shop) == []
    later(shop)
    assert swept(shop) == [delivery]


def test_a_delivery_whose_worker_died_is_sent_by_the_next_one(shop, listener):
    endpoint = shop.listens(listener.url)
    event_id = shop.emits()
    relay()
    ids = [str(shop.delivery(event_id, endpoint)["id"])]
    services.claim_deliveries(endpoint_id=endpoint.id, delivery_ids=ids)
    assert flows.deliver(endpoint.id, ids) == 0, "the lease still runs"
    later(shop)
    assert swept(shop) == ids
    assert flows.deliver(endpoint.id, ids) == 1
    assert shop.delivery(event_id, endpoint)["state"] == "succeeded"


def test_the_late_outcome_of_a_lost_lease_does_not_count_unless_it_is_a_success(shop, listener):
    endpoint = shop.listens(listener.url)
    event_id = shop.emits()
    relay()
    ids = [str(shop.delivery(event_id, endpoint)["id"])]
    old = services.claim_deliveries(endpoint_id=endpoint.id, delivery_ids=ids).deliveries[0]
    later(shop)
    services.claim_deliveries(endpoint_id=endpoint.id, delivery_ids=ids)
    outcome = {"id": old.id, "claim": old.claim, "started_at": time.time(), "duration_ms": 1, "error": None, "response": ""}
    services.record_deliveries(endpoint_id=endpoint.id, outcomes=[outcome | {"result": "failed", "status": 500, "retry_in_s": 5}])
    assert (shop.delivery(event_id, endpoint)["attempts"], shop.delivery(event_id, endpoint)["claims"]) == (0, 2)
    services.record_deliveries(endpoint_id=endpoint.id, outcomes=[outcome | {"result": "succeeded", "status": 200, "retry_in_s": None}])
    assert shop.delivery(event_id, endpoint)["state"] == "succeeded"


def test_a_delivery_that_kills_its_worker_time_and_again_is_parked(shop, listener):
    endpoint = shop.listens(listener.url)
    event_id = shop.emits()
    relay()
    ids = [str(shop.delivery(event_id, endpoint)["id"])]
    for _ in range(5):
        assert len(services.claim_deliveries(endpoint_id=endpoint.id, delivery_ids=ids).deliveries) == 1
        later(shop)
    assert flows.deliver(endpoint.id, ids) == 0
    assert (shop.delivery(event_id, endpoint)["state"], listener.calls) == ("parked", [])


def test_a_broker_that_forgot_everything_costs_time_only(shop, listener, stack):
    shop.listens(listener.url)
    stack.start("relay")
    events = [shop.emits("customer.updated") for _ in range(30)]
    while not all(shop.deliveries(event) for event in events):
        time.sleep(0.05)
    time.sleep(0.3)
    assert forget_messages(stack) > 0
    stack.start("worker")
    later(shop)
    done = subprocess.run([sys.executable, "-c", SWEEP], cwd=ROOT, env=stack.environment(), capture_output=True, text=True, check=True)
    assert int(done.stdout) >= 30
    wait_for_calls(listener, 30)
    time.sleep(0.5)
    assert len({call.headers["webhook-id"] for call in listener.calls}) == len(listener.calls) == 30
