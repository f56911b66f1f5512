"""From samples to figures, from figures to the page."""

from xml.etree import ElementTree

from benchmarks import figures
from benchmarks.suite import CLASSIC, HOT, TARGETS, TARGETS_PART, quietly, ratio
from scripts.docs import charts

TURN = "create, 32 connections"


def sample(rate: float, *, disturbed: bool = False) -> dict:
    return {"rate": rate, "p50": 1000 / rate, "p99": 3000 / rate, "disturbed": disturbed}


def test_a_ratio_is_taken_within_each_round_and_then_the_median() -> None:
    samples = {(TURN, HOT): [sample(100), sample(900), sample(300)], (TURN, CLASSIC): [sample(10), sample(30), sample(10)]}
    made = figures.over_rounds("ratio", "×", ratio(TURN, CLASSIC), samples)
    assert made is not None
    assert (made["value"], made["low"], made["high"]) == (30, 10, 30)


def test_p99_is_better_by_as_many_times_as_it_is_lower() -> None:
    samples = {(TURN, HOT): [sample(100)], (TURN, CLASSIC): [sample(10)]}
    made = figures.over_rounds("p99", "×", ratio(TURN, CLASSIC, "p99"), samples)
    assert made is not None
    assert made["value"] == 10


def test_what_was_not_measured_is_absent() -> None:
    samples = {(TURN, HOT): [sample(100), sample(100)], (TURN, CLASSIC): [None, None]}
    assert figures.over_rounds("ratio", "×", ratio(TURN, CLASSIC), samples) is None
    assert figures.targets(samples, TARGETS_PART) == []


def test_throughput_of_a_disturbed_round_is_not_judged() -> None:
    samples = {(TURN, HOT): [sample(100, disturbed=True), sample(50)], (TURN, CLASSIC): [sample(10), sample(10)]}
    made = figures.over_rounds("ratio", "×", quietly(ratio(TURN, CLASSIC)), samples)
    assert made is not None
    assert (made["value"], made["low"]) == (5, 5)
    assert figures.over_rounds("ratio", "×", quietly(ratio(TURN, CLASSIC)), samples, least=2) is None


def test_every_target_has_a_name_of_its_own() -> None:
    assert len({target.name for target in TARGETS}) == len(TARGETS)


def test_charts_are_whole_and_within_their_frame() -> None:
    series = {
        f"<{n}>": [charts.Point(x, y * (n + 1), y * 0.9, y * (n + 2)) for x, y in ((1, 2), (32, 900), (5000, 3000))] for n in range(5)
    }
    for drawn in (
        charts.lines("T", "x", "y", series),
        charts.bars("T", "x", [(name, points[-1], " of it") for name, points in series.items()]),
    ):
        root = ElementTree.fromstring(drawn)
        places = [float(node.get(name) or 0) for node in root.iter() for name in ("cx", "cy", "x", "y", "x2", "y2")]
        assert max(places) <= charts.WIDTH
        assert min(places) >= 0
