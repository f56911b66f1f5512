"""From recorded figures to docs/performance.md and docs/performance-runs.md."""

import pytest

from scripts.docs import headlines, performance, runs
from scripts.docs.results import Result

PLAIN, OPTIMISED = "3.11.7, not an optimised build (no PGO)", "3.11.2, the distribution's build"


def figure(name: str, value: float, better: str = "higher", **more: object) -> dict:
    return {"name": name, "unit": "×", "value": value, "low": value, "high": value, "better": better} | more


def result(name: str, rounds: int, *figures: dict, python: str = PLAIN) -> Result:
    return Result(name, {"suite": name.title(), "commit": "c0ffee", "rounds": rounds, "machine": {"python": python}, "figures": [*figures]})


def get(value: float) -> dict:
    return figure("get", value, must=30, stretch=40)


def table(*results: Result) -> list[list[str]]:
    rows = performance._targets({one.name: one for one in results}).replace("\u00a0", " ").splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


@pytest.mark.parametrize(("value", "better", "verdict"), [
    (29, "higher", "**missed**"), (30, "higher", "met"), (45, "higher", "stretch"),
    (46, "lower", "**missed**"), (40, "lower", "met"), (29, "lower", "stretch"),
])  # fmt: skip
def test_the_page_says_whether_a_target_was_met(value: float, better: str, verdict: str) -> None:
    must, stretch = (30, 45) if better == "higher" else (45, 30)
    (row,) = table(result("targets", 5, figure("n", value, better, must=must, stretch=stretch)))
    assert row[5] == verdict


def test_a_target_is_told_once_and_by_the_most_rounds() -> None:
    (row,) = table(result("connections", 1, get(50)), result("targets", 5, get(41)))
    assert row[:6] == ["get", "≥ 30", "≥ 40", "41 ×", "41 – 41", "stretch"]


def test_a_target_missed_by_a_shorter_suite_is_not_left_out() -> None:
    _, row = table(result("connections", 1, get(20)), result("targets", 5, get(41)))
    assert row[:6] == ["get (Connections)", "≥ 30", "≥ 40", "20 ×", "20 – 20", "**missed**"]


def test_an_optimised_interpreter_stands_beside_and_is_never_taken_for_the_other() -> None:
    (row,) = table(result("targets", 3, get(41)), result(performance.OPTIMISED, 9, get(20), python=OPTIMISED))
    assert (row[3:6], row[6:]) == (["41 ×", "41 – 41", "stretch"], ["20 ×", "20 – 20", "**missed**"])


def test_the_page_begins_with_what_is_missed_by_which_interpreter() -> None:
    results = {one.name: one for one in (result("targets", 5, get(41)), result(performance.OPTIMISED, 5, get(20), python=OPTIMISED))}
    first, second, missed = performance.summary(results).splitlines()
    assert first.startswith(f"- **CPython {PLAIN}**: 1 of 1 musts met")
    assert second.startswith(f"- **CPython {OPTIMISED}**: 0 of 1 musts met")
    assert missed == "  - missed: get: 20 × (≥ 30 wanted)"


def load(kind: str, who: str, rate: float, **more: float) -> list[dict]:
    names = {"rate": rate, "p50": 1000 / rate, "p99": 3000 / rate} | {name.replace("_", " "): value for name, value in more.items()}
    return [figure(f"{kind} · {who} · {name}", value) for name, value in names.items()]


def test_what_others_promise_names_the_least_favourable_load_first() -> None:
    loads = [*load("create, 32 connections", "Florin hot", 40), *load("create, 32 connections", "classic", 1)]
    loads += [*load("get, 32 connections", "Florin hot", 120), *load("get, 32 connections", "classic", 1)]
    rows = headlines.table(result("targets", 5, *loads)).splitlines()
    assert "requests a second, least favourable first: create 40×, get 120× | **by 1 of 2** |" in rows[4]
    assert rows[-1].endswith("| not measured | |")


def test_connections_that_were_lost_are_no_promise_kept() -> None:
    crowd = "create, 5000 connections"
    kept = headlines.table(result("targets", 5, *load(crowd, "Florin hot", 9, told_to_come_later=7))).splitlines()[-1]
    broken = headlines.table(result("targets", 5, *load(crowd, "Florin hot", 9, timeouts=7))).splitlines()[-1]
    assert "0 dropped or without an answer; 7 told to come later" in kept
    assert kept.endswith("| yes |")
    assert broken.endswith("| **no** |")


def test_every_run_has_a_heading_that_names_its_interpreter_and_can_be_linked_to() -> None:
    one = result("targets", 1, *load("get, 1 connection", "Florin hot", 1000, CPU_of_Python=500, CPU_of_PostgreSQL=300))
    page = runs._run(one).replace("\u00a0", " ")
    assert page.startswith(f"## Targets, CPython {PLAIN}\n")
    assert runs.anchor(one) == "targets-cpython-3117-not-an-optimised-build-no-pgo"
    assert "1 round: no range, no median" in page
    assert page.splitlines()[-1] == "| **get, 1 connection** | Florin hot | 1,000 (1,000 – 1,000) | 1 / 3 | 500 | 300 |  |  | 0.8 |  |"
