"""Many at once with one key."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest
from django.conf import settings

from apps.core import db
from apps.core.ids import new_id
from tests.idempotency.conftest import command, request_key

CLIENTS = 50


@pytest.fixture(scope="module")
def clients():
    """Fifty connections and the threads to use them at the same moment."""
    connections = [psycopg.connect(settings.DATABASE_DSN, autocommit=True) for _ in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as threads:

        def at_once(commands):
            barrier = Barrier(len(commands))

            def send(pair):
                connection, batch = pair
                barrier.wait()
                row = connection.execute("SELECT tests_write(%s::jsonb)::text", [db.encode(batch)]).fetchone()
                return json.loads(row[0])

            return list(threads.map(send, zip(connections, commands, strict=False)))

        yield at_once
    for connection in connections:
        connection.close()


def effects(key: str) -> int:
    with psycopg.connect(settings.DATABASE_DSN) as connection:
        return connection.execute("SELECT count(*) FROM tests_effect WHERE key = %s", [key]).fetchone()[0]


def test_fifty_clients_with_one_key_have_one_effect_and_one_answer(clients):
    for _ in range(10):
        key = request_key(f"race-{new_id()}")
        outcomes = clients([[command(key, f"answer {n}")] for n in range(CLIENTS)])
        bodies = {outcome[0]["claim"]["body"] for outcome in outcomes if "claim" in outcome[0]}
        assert sum("ok" in outcome[0] for outcome in outcomes) == 1
        assert len(bodies) == 1
        assert effects(key.key) == 1


def test_fifty_clients_with_five_bodies_have_one_effect(clients):
    for _ in range(10):
        merchant, name = new_id(), f"five-{new_id()}"
        keys = [request_key(name, f"body {n % 5}", merchant=merchant) for n in range(CLIENTS)]
        outcomes = [outcome[0] for outcome in clients([[command(key)] for key in keys])]
        kinds = [outcome.get("claim", {}).get("outcome", "ok") for outcome in outcomes]
        assert (kinds.count("ok"), kinds.count("replay"), kinds.count("mismatch")) == (1, 9, 40)
        assert effects(name) == 1


def test_only_one_of_fifty_takes_an_expired_lease_over(clients):
    key = request_key(f"takeover-{new_id()}")
    clients([[command(key, leave_running=True)]])
    with psycopg.connect(settings.DATABASE_DSN, autocommit=True) as connection:
        connection.execute("UPDATE idempotency_record SET locked_until = now() - interval '1 s' WHERE key = %s", [key.key])
    kinds = [outcome[0]["claim"]["outcome"] for outcome in clients([[command(key)] for _ in range(CLIENTS)])]
    assert (kinds.count("resume"), kinds.count("running")) == (1, CLIENTS - 1)
