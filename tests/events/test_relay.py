"""From the outbox to work: nothing lost, nothing twice, whoever dies."""

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction

from apps.core import db
from apps.core.ids import new_id
from apps.events import services
from tests.events.world import Shop, relay
from tests.stack import Stack

QUIET = "customer.updated"  # nothing follows from it but webhooks


def emit_many(shop: Shop, count: int) -> None:
    """`count` events of the merchant's, in one commit."""
    with transaction.atomic():
        for _ in range(count):
            shop.emits(QUIET)


def left(shop: Shop) -> int:
    return db.query("SELECT count(*) AS n FROM events_outbox WHERE merchant_id = %s", [shop.id])[0]["n"]


def fate(shop: Shop) -> dict[tuple[bool, int], int]:
    """How many events are (still in the outbox, have so many deliveries)."""
    rows = db.query(
        """SELECT EXISTS (SELECT FROM events_outbox o WHERE o.event_id = e.id) AS waits,
            (SELECT count(*) FROM events_delivery d WHERE d.event_id = e.id) AS deliveries, count(*) AS n
        FROM events_event e WHERE merchant_id = %s GROUP BY 1, 2""",
        [shop.id],
    )
    return {(row["waits"], row["deliveries"]): row["n"] for row in rows}


def test_an_event_exists_if_and_only_if_its_change_commits(shop):
    with transaction.atomic():
        shop.emits()
        transaction.set_rollback(True)
    assert (shop.events("charge.succeeded"), left(shop)) == ([], 0)
    shop.emits()
    assert (len(shop.events("charge.succeeded")), left(shop)) == (1, 1)


def test_an_event_is_never_changed_or_deleted(shop):
    event_id = shop.emits()
    for statement in ("UPDATE events_event SET data = '{}' WHERE id = %s", "DELETE FROM events_event WHERE id = %s"):
        for dsn in (settings.DATABASE_DSN, settings.DATABASE_OWNER_DSN):
            with psycopg.connect(dsn) as conn, pytest.raises(psycopg.Error):
                conn.execute(statement, [event_id])


def test_relays_side_by_side_take_disjoint_events(shop):
    endpoint = shop.listens("https://shop.example/hook")
    emit_many(shop, 300)
    start = threading.Barrier(4)

    def run(_: int) -> list[str]:
        start.wait()
        got: list[str] = []
        while (work := services.relay_batch(batch=7, routes={})).found:
            got += work.deliveries.get(str(endpoint.id), [])
        connection.close()
        return got

    with ThreadPoolExecutor(4) as relays:
        shares = list(relays.map(run, range(4)))
    every = [one for share in shares for one in share]
    assert (len(every), len(set(every))) == (300, 300)
    assert fate(shop) == {(False, 1): 300}


def test_a_relay_that_hangs_does_not_hold_up_the_others(shop):
    shop.listens("https://shop.example/hook")
    emit_many(shop, 20)
    with psycopg.connect(settings.DATABASE_DSN) as slow:
        slow.execute("SELECT events_relay_batch(5, '{}', 'v')")
        relay()
        assert fate(shop)[False, 1] >= 15
        slow.rollback()
    relay()
    assert fate(shop) == {(False, 1): 20}


def test_a_relay_that_fails_halfway_leaves_everything_in_the_outbox(shop):
    shop.listens("https://shop.example/hook")
    emit_many(shop, 10)
    with psycopg.connect(settings.DATABASE_DSN) as dying:
        dying.execute("SELECT events_relay_batch(500, '{}', 'v')")
        dying.rollback()
    assert fate(shop) == {(True, 0): 10}
    relay()
    assert fate(shop) == {(False, 1): 10}


@pytest.fixture
def stack(tmp_path) -> Iterator[Stack]:
    running = Stack(tmp_path)
    yield running
    running.stop()


def wait_until(true, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.01)


def test_nothing_is_lost_or_done_twice_when_relays_are_killed(shop, stack):
    shop.listens("https://shop.example/hook")
    for number in range(3):
        emit_many(shop, 1500)
        before = left(shop)
        stack.start("relay")
        wait_until(lambda before=before: left(shop) < before)
        time.sleep(0.02 * number)
        stack.kill("relay")
        assert set(fate(shop)) <= {(True, 0), (False, 1)}
    relay()
    assert fate(shop) == {(False, 1): 4500}


def relaying() -> list[bool]:
    """Of each session that writes deliveries, or wants to: whether it has got its lock. Locks are seen by every role."""
    statement = """SELECT l.granted FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
        WHERE l.relation = 'events_delivery'::regclass AND l.mode = 'RowExclusiveLock'"""
    return [row["granted"] for row in db.query(statement)]


def test_a_relay_killed_in_the_middle_of_its_statement_did_all_of_it_or_nothing(shop, stack):
    shop.listens("https://shop.example/hook")
    with psycopg.connect(settings.DATABASE_OWNER_DSN) as barrier:
        barrier.execute("LOCK TABLE events_delivery IN SHARE MODE")
        emit_many(shop, 50)
        stack.start("relay")
        wait_until(lambda: False in relaying())
        stack.kill("relay")
    wait_until(lambda: not relaying())
    assert fate(shop) in ({(True, 0): 50}, {(False, 1): 50})
    relay()
    assert fate(shop) == {(False, 1): 50}


def test_an_event_becomes_work_within_200_ms(shop, stack):
    shop.listens("https://shop.example/hook")
    stack.start("relay")
    warm = shop.emits(QUIET)
    wait_until(lambda: bool(shop.deliveries(warm)))
    waits = []
    for _ in range(20):
        event_id, committed = shop.emits(QUIET), time.monotonic()
        wait_until(lambda event_id=event_id: bool(shop.deliveries(event_id)))
        waits.append(time.monotonic() - committed)
        time.sleep(0.03)
    # The median, because another test may hold the processor at any one moment.
    assert sorted(waits)[10] < 0.2, waits


def test_a_relay_ends_on_term_with_its_batch_done(shop, stack):
    shop.listens("https://shop.example/hook")
    stack.start("relay")
    emit_many(shop, 800)
    wait_until(lambda: left(shop) < 800)
    relay_process = stack.processes.pop("relay")
    relay_process.send_signal(signal.SIGTERM)
    assert relay_process.wait(20) == 0
    assert set(fate(shop)) <= {(True, 0), (False, 1)}


def test_an_event_of_a_month_without_a_partition_is_kept(shop):
    event_id = shop.emits(object_id=new_id(), created="2099-01-01T00:00:00+00:00")
    (where,) = db.query("SELECT tableoid::regclass::text AS name FROM events_event WHERE id = %s", [event_id])
    assert where["name"] == "events_event_default"
