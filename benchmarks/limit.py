"""The database's own limit: the same SQL functions under pgbench, nothing else in between.

Commands are built fresh for each call, in the database, from what the hot views send (ground.py).
"""

import math
import subprocess
import tempfile
import time
from pathlib import Path

from django.conf import settings

from benchmarks import machine
from devservices import binaries

BATCH = 16
# How many sessions: what suits independent rows does not suit one hot account, so the limit is the best of
# these. (256 commands under way would be 16 batches; the server has 200 sessions at most.)
SINGLE_CLIENTS, BATCHED_CLIENTS = (32,), (4, 16)
# Every session plans and compiles the functions anew; that is not the limit.
WARMUP_S = 1.0


def measure(kind: str, connections: int, seconds: float, groups: machine.Groups, *, batched: bool) -> tuple[dict, machine.Spent]:
    """Like a load's result: commands a second and the latencies of calls, with as many sessions as do best."""
    tried = [
        _measured(kind, min(connections, clients), seconds, groups, BATCH if batched else 1)
        for clients in (BATCHED_CLIENTS if batched else SINGLE_CLIENTS)
    ]
    best, spent = max(tried, key=lambda one: one[0]["rate"])
    return best | {"acknowledged": sum(result["acknowledged"] for result, _ in tried)}, spent


def _measured(kind: str, clients: int, seconds: float, groups: machine.Groups, size: int) -> tuple[dict, machine.Spent]:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.sql"
        script.write_text(f"SELECT payments_{kind}(bench_fresh_{kind}({size}));\n", encoding="utf-8")
        command = [
            str(binaries.postgres_bin() / "pgbench"), "--no-vacuum", "--protocol=prepared", f"--client={clients}", "--jobs=1",
            f"--time={math.ceil(seconds + WARMUP_S)}", f"--file={script}", "--log", f"--log-prefix={folder}/log",
            settings.DATABASE_OWNER_DSN,
        ]  # fmt: skip
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        spent, began, ended = _watched(process, groups)
        if process.returncode:
            raise RuntimeError(f"pgbench said: {process.stderr.read() if process.stderr else ''}")
        return _result(_calls(Path(folder)), began, ended, size), spent


def _watched(process: subprocess.Popen, groups: machine.Groups) -> tuple[machine.Spent, float, float]:
    """What was used between warm-up and end, and when these were (Unix seconds)."""
    groups = groups | {"generator": [process.pid]}
    time.sleep(WARMUP_S)
    before, began = machine.now(groups), time.time()
    spent, ended = machine.between(before, before), began
    while process.poll() is None:
        # Looked at again and again: a process that is gone has no clock any more.
        spent, ended = machine.between(before, machine.now(groups)), time.time()
        time.sleep(0.1)
    return spent, began, ended


def _calls(folder: Path) -> list[tuple[float, float]]:
    """(when it ended, how many ms it took) of every call: pgbench's log has a line for each."""
    lines = (line.split() for log in folder.glob("log.*") for line in log.read_text().splitlines())
    return [(int(words[4]) + int(words[5]) / 1e6, int(words[2]) / 1000) for words in lines]


def _result(calls: list[tuple[float, float]], began: float, ended: float, size: int) -> dict:
    taken = sorted(took for at, took in calls if began <= at <= ended)
    if not taken:
        raise RuntimeError("pgbench finished no call after its warm-up")
    return {
        "rate": len(taken) * size / (ended - began), "answered": len(taken) * size, "acknowledged": len(calls) * size, "unknown": 0,
        "refused": 0, "dropped": 0, "timeouts": 0, "statuses": {}, "sample": {"checked": 0, "wrong": 0},
        "latencies_ms": {name: taken[int((len(taken) - 1) * share)] for name, share in (("p50", 0.5), ("p99", 0.99))},
    }  # fmt: skip
