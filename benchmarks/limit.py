"""The database's own limit: the same SQL functions under pgbench, nothing else in between.

Commands are built fresh for each call, in the database, from what the hot views send (ground.py).
"""

import re
import subprocess
import tempfile
import time
from pathlib import Path

from django.conf import settings

from benchmarks import machine
from devservices import binaries

BATCH = 16
# Beside the batches another client only waits for the locks and the disk of the first ones.
BATCHED_CLIENTS = 16


def measure(kind: str, connections: int, seconds: float, groups: machine.Groups, *, batched: bool) -> tuple[dict, machine.Spent]:
    """Like a load's result: commands a second and latencies (of a call) with `connections` commands under way."""
    size = BATCH if batched else 1
    clients = min(connections, BATCHED_CLIENTS) if batched else connections
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.sql"
        script.write_text(f"SELECT payments_{kind}(bench_fresh('{kind}', {size}));\n", encoding="utf-8")
        command = [
            str(binaries.postgres_bin() / "pgbench"), "--no-vacuum", "--protocol=prepared", f"--client={clients}", "--jobs=1",
            f"--time={max(1, round(seconds))}", f"--file={script}", "--log", f"--log-prefix={folder}/log", settings.DATABASE_OWNER_DSN,
        ]  # fmt: skip
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        before = machine.now(groups | {"generator": [process.pid]})
        # The process is waited for, so its time is read just before it is gone.
        spent = _watched(process, groups, before)
        output, errors = process.communicate()
        if process.returncode:
            raise RuntimeError(f"pgbench said: {errors}")
        return _result(output, _latencies(Path(folder)), size), spent


def _watched(process: subprocess.Popen, groups: machine.Groups, before: machine.Moment) -> machine.Spent:
    spent = machine.between(before, before)
    while process.poll() is None:
        spent = machine.between(before, machine.now(groups | {"generator": [process.pid]}))
        time.sleep(0.1)
    return spent


def _result(output: str, latencies: dict, size: int) -> dict:
    tps, processed = re.search(r"tps = ([\d.]+)", output), re.search(r"transactions actually processed: (\d+)", output)
    if not tps or not processed:
        raise RuntimeError(f"pgbench said: {output}")
    done = int(processed.group(1)) * size
    return {
        "rate": float(tps.group(1)) * size, "answered": done, "acknowledged": done, "unknown": 0, "refused": 0, "dropped": 0,
        "timeouts": 0, "statuses": {}, "latencies_ms": latencies, "sample": {"checked": 0, "wrong": 0},
    }  # fmt: skip


def _latencies(folder: Path) -> dict[str, float | None]:
    taken = sorted(int(line.split()[2]) / 1000 for log in folder.glob("log.*") for line in log.read_text().splitlines())
    if not taken:
        return {"p50": None, "p99": None}
    return {name: round(taken[int((len(taken) - 1) * share)], 2) for name, share in (("p50", 0.5), ("p99", 0.99))}
