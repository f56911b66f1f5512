"""From samples to the figures of benchmarks/results/*.json."""

import json
import statistics
import subprocess
from collections.abc import Iterable
from pathlib import Path

from benchmarks import machine
from benchmarks.rounds import Bench, Samples
from benchmarks.suite import HOT, TARGETS, Formula, Part, Target
from scripts.lints.base import ROOT

RESULTS = ROOT / "benchmarks" / "results"
# Field of a result -> (what the figure is called, unit, better).
FIELDS = {
    "rate": ("rate", "requests/s", "higher"),
    "p50": ("p50", "ms", "lower"),
    "p99": ("p99", "ms", "lower"),
    "cpu server": ("CPU of Python", "µs", "lower"),
    "cpu postgresql": ("CPU of PostgreSQL", "µs", "lower"),
    "cpu redis": ("CPU of Redis", "µs", "lower"),
    "cpu pgbouncer": ("CPU of PgBouncer", "µs", "lower"),
    "cpu sandbox": ("CPU of the sandbox", "µs", "lower"),
    "cpu generator": ("CPU of the generator", "µs", "lower"),
}
# Named only where there were any.
COUNTS = {
    "lost": ("connections lost", "count"),
    "timeouts": ("timeouts", "count"),
    "shed": ("told to come later", "count"),
    "shed share": ("share told to come later", "share"),
    "failed": ("failed", "count"),
}


def write(part: Part, bench: Bench, rounds: int, *, to: Path) -> Path:
    """The part's figures, as JSON."""
    names = {turn.name for turn in part.turns} | {"idle", "worked", "replays"}
    samples = {key: found for key, found in bench.samples.items() if key[0] in names}
    figures = [*targets(samples, part), *plain(samples), *about(bench)]
    save(to, part.title, rounds, figures)
    return to


def save(path: Path, title: str, rounds: int, figures: list[dict]) -> None:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    result = {"suite": title, "commit": commit.stdout.strip(), "machine": machine.described(), "rounds": rounds, "figures": figures}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def targets(samples: Samples, part: Part) -> list[dict]:
    """The target figures that these samples give, computed round by round."""
    return [figure for target in TARGETS if (figure := _target(target, samples))]


def _target(target: Target, samples: Samples) -> dict | None:
    found = over_rounds(target.name, target.unit, target.of, samples, target.better)
    return found and found | {"must": target.must, "stretch": target.stretch}


def over_rounds(name: str, unit: str, of: Formula, samples: Samples, better: str = "higher", *, least: int = 1) -> dict | None:
    """The figure of a formula that is computed in each round; None where fewer than `least` rounds had what it takes."""
    rounds = range(max((len(found) for found in samples.values()), default=0))
    values = [of(lambda turn, who, at=number: _nth(samples.get((turn, who)), at)) for number in rounds]
    known = [value for value in values if value is not None]
    return figure(name, unit, known, better) if len(known) >= least else None


def _nth(found: list[dict | None] | None, at: int) -> dict | None:
    return found[at] if found and at < len(found) else None


def plain(samples: Samples) -> Iterable[dict]:
    """What each contender did under each load."""
    for (turn, who), found in samples.items():
        results = [result for result in found if result]
        for name, (words, unit, better) in FIELDS.items():
            values = [result[name] for result in results if result.get(name) is not None]
            # Less than a tick of the clock says nothing.
            if values and (max(values) >= 1 or not name.startswith("cpu")):
                yield figure(f"{turn} · {who} · {words}", unit, values, better)
        for name, (words, unit) in COUNTS.items():
            values = [result.get(name, 0) for result in results]
            if any(values):
                yield figure(f"{turn} · {who} · {words}", unit, values, "lower")


def about(bench: Bench) -> list[dict]:
    """What is to be known of the run itself."""
    worked = [one["resident"] for one in bench.samples.get(("worked", HOT), []) if one]
    return [
        *([figure("MB resident in a web worker after all loads", "MB", worked, "lower")] if worked else []),
        figure("measurements discarded because the machine was disturbed", "count", [bench.discarded], "lower"),
        figure("disturbed measurements kept after two repeats", "count", [bench.kept_disturbed], "lower"),
        figure("loads after which the books were wrong", "count", [len(bench.faults)], "lower") | {"must": 0},
    ]


def figure(name: str, unit: str, values: list[float], better: str) -> dict:
    middle = statistics.median(values)
    return {"name": name, "unit": unit, "value": _short(middle), "low": _short(min(values)), "high": _short(max(values)), "better": better}


def _short(value: float) -> float:
    return round(value, 3 if abs(value) < 100 else 1)
