"""A process lets in what it can answer in time."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from apps.core import admission
from apps.core.errors import Overloaded

FRESH = {"_working": 0, "_coming": 0, "_done": 0, "_refused": False, "_rate": 0.0, "_limit": admission.FLOOR,
         "_window_ends": 0.0, "_busy_since": 0.0, "_busy_s": 0.0}  # fmt: skip


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch, settings) -> Iterator[list[float]]:
    """A process that has done nothing yet, and its clock, which the test moves."""
    clock = [1000.0]
    settings.HOT_LATENCY_S = 0.2
    for name, value in FRESH.items():
        monkeypatch.setattr(admission, name, value)
    monkeypatch.setattr(admission.time, "monotonic", lambda: clock[0])
    return clock


def _fill() -> int:
    """As many are let in as there is room for; returns how many."""
    before = admission._working
    with suppress(Overloaded):
        while True:
            admission.enter()
    return admission._working - before


def _serve(now: list[float], *, a_second: int, many: int) -> None:
    for _ in range(many):
        now[0] += 1 / a_second
        admission.leave()


def _overload(now: list[float], *, a_second: int, seconds: float) -> int:
    """More ask than are answered, all the time; returns how many are worked on in the end."""
    until = now[0] + seconds
    while now[0] < until:
        _fill()
        _serve(now, a_second=a_second, many=1)
    _fill()
    return admission._working


def test_a_quiet_process_takes_a_burst_and_no_more() -> None:
    assert _fill() == admission.FLOOR
    admission.leave()
    assert (admission.is_full(), _fill(), admission.is_full()) == (False, 1, True)


@pytest.mark.parametrize(("a_second", "in_time"), [(4_000, 800), (400, 80), (10, admission.LEAST)])
def test_under_too_much_work_the_limit_is_what_gets_done_in_time(now, a_second: int, in_time: int) -> None:
    assert _overload(now, a_second=a_second, seconds=20) == pytest.approx(in_time, rel=0.02)


def test_a_process_that_got_slow_lets_fewer_in(now) -> None:
    _overload(now, a_second=4_000, seconds=3)
    assert _overload(now, a_second=500, seconds=8) == pytest.approx(100, rel=0.05)


def test_rest_between_bursts_does_not_make_it_believe_that_it_is_slow(now) -> None:
    for _ in range(5):
        served = _fill()
        _serve(now, a_second=300, many=served)
        now[0] += 10
    assert _fill() == pytest.approx(60, rel=0.05)


def test_slow_work_alone_refuses_nobody(now) -> None:
    for _ in range(40):
        admission.enter()
        _serve(now, a_second=20, many=1)
    assert _fill() == admission.FLOOR


def test_when_nobody_is_refused_any_more_there_is_room_for_a_burst_again(now) -> None:
    assert _overload(now, a_second=50, seconds=20) == pytest.approx(10, abs=1)
    _serve(now, a_second=50, many=admission._working)
    for _ in range(200):
        admission.enter()
        _serve(now, a_second=50, many=1)
    assert _fill() == admission.FLOOR


def test_who_was_let_in_and_has_not_begun_takes_room_already() -> None:
    for _ in range(admission.FLOOR):
        assert not admission.is_full()
        admission.expect()
    assert admission.is_full()
    admission.begin()
    assert not admission.is_full()


def test_who_waits_for_a_gateway_leaves_room_and_comes_back() -> None:
    _fill()
    admission.away()
    assert _fill() == 1
    admission.back()
    admission.leave()
    with pytest.raises(Overloaded):
        admission.enter()
