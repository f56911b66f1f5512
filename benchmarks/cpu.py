"""What a hot request costs: CPU µs of the one worker, of PostgreSQL and of the sandbox acquirer.

    FLORIN_STATE_DIR=.florin/bench python -m devservices services-up
    FLORIN_STATE_DIR=.florin/bench python -m benchmarks.cpu [--kinds create,get] [--spy .florin/profiles]

CPU time, not wall time: it says nearly the same on a machine that is busy with something else. One
Gunicorn worker, 32 connections; each kind is warmed up, then measured in rounds; the least is what the
work needs, the most is what the neighbours added. With `--spy` py-spy watches the worker meanwhile
(pip install py-spy) and a flame graph of each kind is written. What was found: benchmarks/notes/profiles.md.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
django.setup()

import psutil  # noqa: E402
from django.conf import settings  # noqa: E402  (Django must be set up first)
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from benchmarks import servers, story  # noqa: E402
from benchmarks.ground import Ground  # noqa: E402
from scripts.lints.base import ROOT  # noqa: E402

KINDS = ("create", "transfer", "confirm", "get", "list", "expanded", "balance")
CONNECTIONS = 32


class Meter:
    """CPU seconds used so far by each of the three parties."""

    def __init__(self, server: servers.Server, sandbox: subprocess.Popen) -> None:
        assert server.process is not None
        self.worker = psutil.Process(server.process.pid).children()[0]
        self.sandbox = psutil.Process(sandbox.pid)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            self.postmaster = psutil.Process(cursor.fetchone()[0]).parent()

    def read(self) -> dict[str, float]:
        servers_of_sql = self.postmaster.children()
        return {
            "python": _spent(self.worker),
            "postgres": sum(map(_spent, servers_of_sql)),
            "sandbox": _spent(self.sandbox),
        }

    def memory_mb(self) -> dict[str, float]:
        found = self.worker.memory_full_info()
        return {"rss": round(found.rss / 1e6, 1), "pss": round(found.pss / 1e6, 1), "uss": round(found.uss / 1e6, 1)}


def _spent(process: psutil.Process) -> float:
    """CPU seconds, to the nanosecond where the kernel counts them so finely."""
    try:
        return sum(int(thread.read_text().split()[0]) for thread in Path(f"/proc/{process.pid}/task").glob("*/schedstat")) / 1e9
    except (OSError, ValueError):
        return sum(process.cpu_times()[:2])


def main() -> int:
    options = _options()
    data = Path(settings.STATE_DIR)
    call_command("prepare", "--database-only", verbosity=0)
    sandbox = servers.sandbox(options.port + 2, data / "bench-sandbox", data / "bench-sandbox.log")
    settings.SANDBOX_URL = os.environ["SANDBOX_URL"] = f"http://127.0.0.1:{options.port + 2}"
    laid = story.lay()
    limits = {"RATE_LIMIT_PER_KEY": "1000000", "RATE_LIMIT_PER_MERCHANT": "1000000"}
    environment = limits | {"HOT_ROUTES": "on", "WEB_CONCURRENCY": "1"}
    server = servers.Server("hot", options.port, environment, data / "bench-cpu.log").start()
    try:
        _measure(Meter(server, sandbox), laid, options)
    finally:
        server.stop()
        sandbox.terminate()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cpu", description=__doc__)
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=list(KINDS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each round")
    parser.add_argument("--port", type=int, default=18700, help="the first of three ports")
    parser.add_argument("--spy", type=Path, help="where the flame graphs go")
    return parser.parse_args()


def _measure(meter: Meter, laid: Ground, options: argparse.Namespace) -> None:
    print(f"idle worker: {meter.memory_mb()} MB")
    print(f"{'µs of CPU per request':<24}{'python':>24}{'postgres':>24}{'sandbox':>24}{'requests/s':>12}")
    for kind in options.kinds:
        _load(kind, laid, options, 1.0)
        samples = [_round(meter, kind, laid, options) for _ in range(options.rounds)]
        cells = "".join(f"{_range([sample[name] for sample in samples]):>24}" for name in ("python", "postgres", "sandbox"))
        print(f"{kind:<24}{cells}{statistics.median(sample['rate'] for sample in samples):>12.0f}", flush=True)
        if options.spy:
            _spy(meter.worker.pid, kind, laid, options)
    print(f"worker at the end: {meter.memory_mb()} MB")


def _range(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} ({min(values):.0f}-{max(values):.0f})"


def _round(meter: Meter, kind: str, laid: Ground, options: argparse.Namespace) -> dict[str, float]:
    before = meter.read()
    result = _load(kind, laid, options, options.seconds)
    after = meter.read()
    if result["errors"]:
        print(f"  {kind}: {result['errors']}", file=sys.stderr)
    per_request = {name: (after[name] - before[name]) * 1e6 / result["requests"] for name in after}
    return per_request | {"rate": result["rate"]}


def _load(kind: str, laid: Ground, options: argparse.Namespace, seconds: float) -> dict:
    targets = {"get": laid.intents, "transfer": laid.accounts}.get(kind, [])
    job = {
        "host": "127.0.0.1", "port": options.port, "connections": CONNECTIONS, "seconds": seconds, "warmup": 0.0,
        "kind": kind, "keys": laid.keys, "targets": targets,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"], input=json.dumps(job), capture_output=True, text=True, cwd=ROOT, check=True
    )
    return json.loads(done.stdout)


def _spy(pid: int, kind: str, laid: Ground, options: argparse.Namespace) -> None:
    """A flame graph and the raw stacks of the worker under this load."""
    options.spy.mkdir(parents=True, exist_ok=True)
    for kind_of_output, name in (("flamegraph", f"{kind}.svg"), ("raw", f"{kind}.txt")):
        spy = subprocess.Popen(
            [shutil.which("py-spy") or str(Path(sys.executable).parent / "py-spy"), "record", "--pid", str(pid), "--native",
             "--rate", "400", "--duration", str(int(options.seconds)), "--format", kind_of_output, "--output", str(options.spy / name)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        _load(kind, laid, options, options.seconds + 1)
        spy.wait()


if __name__ == "__main__":
    sys.exit(main())
