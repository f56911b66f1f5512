"""What a hot request costs: CPU µs of the one worker, of PostgreSQL and of the sandbox acquirer.

    FLORIN_STATE_DIR=.florin/bench python -m devservices services-up
    FLORIN_STATE_DIR=.florin/bench python -m benchmarks.cpu [--kinds create,get] [--spy .florin/profiles]

CPU time, not wall time: it says nearly the same on a machine that is busy with something else. One
Gunicorn worker, 32 connections; each kind is warmed up, then measured in rounds; the least is what the
work needs, the most is what the neighbours added. With `--spy` py-spy watches the worker meanwhile
(pip install py-spy) and a flame graph of each kind is written. What was found: benchmarks/notes/profiles.md.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import uuid
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
os.environ["WEB_CONCURRENCY"] = "1"
django.setup()

import psutil  # noqa: E402  (Django must be set up first)

from benchmarks import arena, machine  # noqa: E402
from benchmarks.rounds import generate  # noqa: E402
from benchmarks.servers import HOT, Server  # noqa: E402

KINDS = ("create", "transfer", "confirm", "get", "plain", "list", "expanded", "balance")
PARTIES = ("python", "postgres", "sandbox")
CONNECTIONS = 32


def main() -> int:
    options = _options()
    with arena.opened() as ring:
        server = ring.yard.server(HOT.name)
        groups = {"python": [server.pid], "postgres": [machine.postgres_pid()], "sandbox": [ring.sandbox.process.pid]}
        _measure(server, groups, options)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cpu", description=__doc__)
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=list(KINDS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each round")
    parser.add_argument("--spy", type=Path, help="where the flame graphs go")
    options = parser.parse_args()
    if unknown := [kind for kind in options.kinds if kind not in KINDS]:
        parser.error(f"there is no {','.join(unknown)}: choose of {','.join(KINDS)}")
    if options.spy and not _py_spy():
        parser.error("py-spy is not there: .venv/bin/pip install py-spy")
    return options


def _py_spy() -> str | None:
    return shutil.which("py-spy") or shutil.which("py-spy", path=str(Path(sys.executable).parent))


def _measure(server: Server, groups: machine.Groups, options: argparse.Namespace) -> None:
    worker = psutil.Process(server.pid).children()[0]
    print(f"idle worker: {_memory_mb(worker)} MB")
    print(f"{'µs of CPU per request':<24}{'python':>24}{'postgres':>24}{'sandbox':>24}{'requests/s':>12}")
    for kind in options.kinds:
        _load(kind, server, groups, 1.0)
        samples = [_load(kind, server, groups, options.seconds) for _ in range(options.rounds)]
        cells = "".join(f"{_range([sample[name] for sample in samples]):>24}" for name in PARTIES)
        print(f"{kind:<24}{cells}{statistics.median(sample['rate'] for sample in samples):>12.0f}", flush=True)
        if options.spy:
            _spy(worker.pid, kind, server, groups, options)
    print(f"worker at the end: {_memory_mb(worker)} MB")


def _memory_mb(worker: psutil.Process) -> dict[str, float]:
    found = worker.memory_full_info()
    return {"rss": round(found.rss / 1e6, 1), "pss": round(found.pss / 1e6, 1), "uss": round(found.uss / 1e6, 1)}


def _range(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} ({min(values):.0f}-{max(values):.0f})"


def _load(kind: str, server: Server, groups: machine.Groups, seconds: float) -> dict[str, float]:
    """CPU µs per answered request of each party, and the rate."""
    job = {
        "host": "127.0.0.1", "port": server.port, "connections": CONNECTIONS, "seconds": seconds, "warmup": 0.3, "kind": kind,
        "prefix": uuid.uuid4().hex, "keys": server.targets.keys,
        "targets": server.targets.accounts if kind.startswith("transfer") else server.targets.intents,
    }  # fmt: skip
    result, spent = generate(job, groups)
    if set(result["statuses"]) != {"200"} or result["sample"]["wrong"]:
        print(f"  {kind}: {result['statuses']}, {result['sample']}", file=sys.stderr)
    return {name: spent.groups[name] * 1e6 / max(result["answered"], 1) for name in PARTIES} | {"rate": result["rate"]}


def _spy(pid: int, kind: str, server: Server, groups: machine.Groups, options: argparse.Namespace) -> None:
    """A flame graph and the raw stacks of the worker under this load."""
    options.spy.mkdir(parents=True, exist_ok=True)
    for kind_of_output, name in (("flamegraph", f"{kind}.svg"), ("raw", f"{kind}.txt")):
        spy = subprocess.Popen(
            [_py_spy(), "record", "--pid", str(pid), "--native",
             "--rate", "400", "--duration", str(int(options.seconds)), "--format", kind_of_output, "--output", str(options.spy / name)],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        _load(kind, server, groups, options.seconds + 1)
        _, said = spy.communicate()
        if spy.returncode:
            print(f"  py-spy drew nothing ({name}): {said[-300:]}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
