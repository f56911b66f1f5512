"""`make bench`: the hot endpoints, their DRF twins and pgbench, in turns, on one machine.

Every round measures every contender once, so that a machine that slows down slows all of them; a round
in which the machine gave its time to others (steal) is measured again. Writes benchmarks/results/.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from functools import partial
from itertools import product
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
django.setup()

from django.conf import settings  # noqa: E402  (Django must be set up first)
from django.core.management import call_command  # noqa: E402

from benchmarks import ground, limit, servers, story  # noqa: E402
from scripts.lints.base import ROOT  # noqa: E402

KINDS = ("create", "confirm", "transfer", "get", "list", "balance")
CONNECTIONS = (32, 256)
MAX_STEAL = 0.05
# What is measured is the work, not the limiter's refusals.
_LIMITS = {"RATE_LIMIT_PER_KEY": "1000000", "RATE_LIMIT_PER_MERCHANT": "1000000"}
Samples = dict[tuple[str, str], list[float]]


def main() -> int:
    options = _options()
    data = Path(settings.STATE_DIR)
    call_command("prepare", "--database-only", verbosity=0)
    sandbox = servers.sandbox(options.port + 2, data / "bench-sandbox", data / "bench-sandbox.log")
    settings.SANDBOX_URL = os.environ["SANDBOX_URL"] = f"http://127.0.0.1:{options.port + 2}"
    laid = story.lay()
    contenders = [
        servers.Server("hot", options.port, _LIMITS | {"HOT_ROUTES": "on"}, data / "bench-hot.log").start(),
        servers.Server("DRF twin", options.port + 1, _LIMITS | {"HOT_ROUTES": "off"}, data / "bench-drf.log").start(),
    ]
    try:
        samples = _rounds(contenders, laid, options)
    finally:
        for server in contenders:
            server.stop()
        sandbox.terminate()
    call_command("audit")
    _write(samples, options)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--port", type=int, default=18600, help="the first of three ports")
    return parser.parse_args()


def _rounds(contenders: list[servers.Server], laid: ground.Ground, options: argparse.Namespace) -> Samples:
    samples: Samples = defaultdict(list)
    for number, kind, connections in product(range(options.rounds), KINDS, CONNECTIONS):
        print(f"round {number + 1}/{options.rounds}: {kind}, {connections} connections", file=sys.stderr)
        load = f"{kind}, {connections} connections"
        for server in contenders:
            _keep(samples, f"{load}: {server.name}", _quiet(partial(_load, server, kind, connections, laid, options)))
        if kind in limit.SCRIPTS and connections == CONNECTIONS[0]:
            _keep(samples, f"{load}: pgbench", _quiet(partial(limit.measure, kind, connections, int(options.seconds))))
    return samples


def _load(server: servers.Server, kind: str, connections: int, laid: ground.Ground, options: argparse.Namespace) -> dict:
    targets = {"get": laid.intents, "transfer": laid.accounts}.get(kind, [])
    job = {
        "host": "127.0.0.1", "port": server.port, "connections": connections, "seconds": options.seconds, "warmup": 0.7,
        "kind": kind, "keys": laid.keys, "targets": targets,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"], input=json.dumps(job), capture_output=True, text=True, cwd=ROOT, check=True
    )
    result = json.loads(done.stdout)
    if result["errors"]:
        print(f"  {server.name}: {result['errors']}", file=sys.stderr)
    return result


def _quiet(measure) -> dict:
    """The measurement, made again (twice at most) when other machines took more than 5 % of the time."""
    for _ in range(3):
        before = _cpu_times()
        result = measure()
        spent = [after - earlier for after, earlier in zip(_cpu_times(), before, strict=True)]
        if not sum(spent) or spent[7] / sum(spent) <= MAX_STEAL:
            break
    return result


def _cpu_times() -> list[int]:
    stat = Path("/proc/stat")
    if not stat.exists():
        return [0] * 8
    return [int(word) for word in stat.read_text().splitlines()[0].split()[1:9]]


def _keep(samples: Samples, name: str, result: dict) -> None:
    samples[name, "requests/s"].append(result["rate"])
    for quantile in ("p50", "p99"):
        samples[name, f"ms {quantile}"].append(result["latencies_ms"][quantile])


def _write(samples: Samples, options: argparse.Namespace) -> None:
    figures = [_figure(f"{name}, {unit.partition(' ')[2] or 'rate'}", unit, values) for (name, unit), values in samples.items()]
    figures += [_figure(name, "ratio", values) for name, values in _ratios(samples)]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    result = {"suite": "hot endpoints", "commit": commit.stdout.strip(), "machine": machine, "rounds": options.rounds, "figures": figures}
    target = ROOT / "benchmarks" / "results" / "hot-endpoints.json"
    target.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"{target.relative_to(ROOT)} written {time.strftime('%H:%M')}; `make docs` makes the page of it", file=sys.stderr)


def _ratios(samples: Samples) -> list[tuple[str, list[float]]]:
    """Round by round: hot against its DRF twin, and against pgbench."""
    made = []
    for kind, connections, other in product(KINDS, CONNECTIONS, ("DRF twin", "pgbench")):
        load = f"{kind}, {connections} connections"
        hot, base = samples[f"{load}: hot", "requests/s"], samples.get((f"{load}: {other}", "requests/s"))
        if base:
            made.append((f"{load}: hot / {other}", [ours / theirs for ours, theirs in zip(hot, base, strict=True)]))
    return made


def _figure(name: str, unit: str, values: list[float]) -> dict:
    better = "lower" if unit.startswith("ms") else "higher"
    figure = {"name": name, "unit": unit.partition(" ")[0], "value": round(statistics.median(values), 3)}
    return figure | {"low": round(min(values), 3), "high": round(max(values), 3), "better": better}


if __name__ == "__main__":
    sys.exit(main())
