"""docs/charts/*.svg: which figures each chart shows, and what it says of the run that they are from."""

import re
from collections.abc import Callable

from scripts.docs import charts
from scripts.docs.results import Result, point

# Each contender has its colour in every chart.
_COLOURS = {
    name: colour
    for names, colour in zip(
        (
            ("Florin hot",), ("FastAPI + asyncpg",), ("classic persistent", "classic"), ("pgbench",), ("Florin hot, PgBouncer",),
            ("Florin DRF twin",), ("pgbench, batches of 16",),
        ),
        charts.COLOURS, strict=True,
    )
    for name in names
}  # fmt: skip
_LOAD = re.compile(r"(\w+), (\d+) connections?(.*)")
_LIMIT = "pgbench, batches of 16"
Draw = Callable[[dict[str, Result]], str]


def all_of(results: dict[str, Result]) -> dict[str, str]:
    """docs/charts/*.svg by path, those for which there are figures."""
    made = {f"docs/charts/{name}.svg": draw(results) for name, (_, draw) in _CHARTS.items()}
    return {path: svg for path, svg in made.items() if svg}


def shown(results: dict[str, Result]) -> str:
    """The charts as a page shows them."""
    return "\n\n".join(f"![{alt}](charts/{name}.svg)" for name, (alt, draw) in _CHARTS.items() if draw(results))


def _by_connections(kind: str, quantity: str, title: str, label: str) -> Draw:
    def draw(results: dict[str, Result]) -> str:
        found = results.get("connections")
        series: dict[str, list[charts.Point]] = {}
        for load, several in (found.loads if found else {}).items():
            matched = _LOAD.fullmatch(load)
            if not matched or matched.group(1) != kind or matched.group(3):
                continue
            for who, figures in several.items():
                if quantity in figures and figures[quantity]["low"] > 0:
                    series.setdefault(who, []).append(point(figures[quantity], int(matched.group(2))))
        return charts.lines(title, "connections", label, series, note=_note(found), colours=_COLOURS) if series and found else ""

    return draw


def _limit(results: dict[str, Result]) -> str:
    found = results.get("targets")
    loads = found.loads.get("create, 256 connections", {}) if found else {}
    rates = {who: figures["rate"] for who, figures in loads.items() if "rate" in figures}
    if not found or not rates:
        return ""
    most = rates[_LIMIT]["value"] if _LIMIT in rates else 0
    rows = [
        (who, point(figure), f" = {figure['value'] / most:.0%} of it" if most and who != _LIMIT else "") for who, figure in rates.items()
    ]
    title = "Payments created a second, 256 connections, beside the database's own limit"
    return charts.bars(title, "payments a second", sorted(rows, key=lambda row: -row[1].y), note=_note(found), colours=_COLOURS)


def _growth(results: dict[str, Result]) -> str:
    found = results.get("growth")
    series: dict[str, list[charts.Point]] = {}
    for load, several in (found.loads if found else {}).items():
        for who, figures in several.items():
            rows = who.removesuffix(" payments").replace(",", "")
            if rows.isdigit() and "rate" in figures:
                series.setdefault(load.partition(",")[0], []).append(point(figures["rate"], int(rows)))
    title, labels = "Florin hot: requests a second by payments of history", ("payments in the database", "requests a second")
    return charts.lines(title, *labels, series, note=_note(found)) if series and found else ""


def _note(result: Result) -> str:
    rounds = result.content["rounds"]
    of = f"median of {rounds} rounds, thin lines: lowest to highest" if rounds > 1 else "one round"
    return f"{of}; {result.interpreter}; commit {result.content['commit']}"


_ACCEPTED = "ms, of those accepted"
_CHARTS: dict[str, tuple[str, Draw]] = {
    "limit": ("Payments created a second by each contender, beside pgbench", _limit),
    "create-throughput": (
        "Throughput of creating payments by connections",
        _by_connections("create", "rate", "Payments created a second", "payments a second"),
    ),
    "create-p99": (
        "p99 of creating payments by connections",
        _by_connections("create", "p99", "p99 of creating a payment", _ACCEPTED),
    ),
    "get-throughput": (
        "Throughput of reading payments by connections",
        _by_connections("get", "rate", "Payments read a second", "payments a second"),
    ),
    "get-p99": ("p99 of reading payments by connections", _by_connections("get", "p99", "p99 of reading a payment", _ACCEPTED)),
    "growth": ("Throughput by payments in the database", _growth),
}
