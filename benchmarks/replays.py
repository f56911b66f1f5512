"""How many replays are answered without the database: its own count of transactions says it."""

import time
import uuid

import psycopg
from django.conf import settings

from benchmarks.asked import REPLAYED
from benchmarks.rounds import Bench, generate
from benchmarks.servers import HOT

SECONDS = 3.0
# A session that rests reports what it did within ten seconds.
REPORTED_S = 10.5


def share(bench: Bench) -> float | None:
    """Of all replays of a few seconds, those for which no transaction was made; what runs beside is taken off."""
    server = bench.yard.server(HOT.name)
    job = {
        "host": "127.0.0.1", "port": server.port, "connections": 32, "seconds": SECONDS, "warmup": 0.5, "kind": "replay",
        "prefix": uuid.uuid4().hex, "keys": server.targets.keys, "targets": [],
    }  # fmt: skip
    time.sleep(REPORTED_S)
    start, at = _transactions(), time.monotonic()
    time.sleep(REPORTED_S)
    rest, between = _transactions(), time.monotonic()
    result, _ = generate(job, bench.groups | {"server": [server.pid]})
    time.sleep(REPORTED_S)
    beside = (rest - start) / (between - at) * (time.monotonic() - between)
    replays = result["acknowledged"] - REPLAYED
    if replays < 100:
        return None
    return max(0.0, min(1.0, 1 - (_transactions() - rest - beside - REPLAYED) / replays))


def _transactions() -> int:
    with psycopg.connect(settings.DATABASE_OWNER_DSN) as owner:
        row = owner.execute("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()").fetchone()
        return int(row[0]) if row else 0
