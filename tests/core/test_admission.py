"""A process lets in what it can answer in time."""

import pytest

from apps.core import admission
from apps.core.errors import Overloaded


@pytest.fixture(autouse=True)
def idle(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A process that has done nothing yet, and its clock, which the test moves."""
    now = [1000.0]
    for name, value in {"_working": 0, "_done": 0, "_rate": 0.0, "_limit": admission.FLOOR, "_window_ends": 0.0}.items():
        monkeypatch.setattr(admission, name, value)
    monkeypatch.setattr(admission.time, "monotonic", lambda: now[0])
    return now


def _entered() -> int:
    """How many more are let in."""
    count = 0
    try:
        while True:
            admission.enter()
            count += 1
    except Overloaded:
        return count


def _serve(now: list[float], *, a_second: int, seconds: float) -> None:
    for _ in range(int(a_second * seconds)):
        admission.enter()
        now[0] += 1 / a_second
        admission.leave()


def test_a_quiet_process_takes_a_burst_and_no_more() -> None:
    assert _entered() == admission.FLOOR
    admission.leave()
    assert _entered() == 1


def test_the_limit_follows_what_the_process_gets_done(idle: list[float], settings) -> None:
    settings.HOT_LATENCY_S = 0.25
    _serve(idle, a_second=4_000, seconds=3)
    assert _entered() == pytest.approx(1_000, rel=0.02)


def test_a_process_that_got_slow_lets_fewer_in(idle: list[float], settings) -> None:
    settings.HOT_LATENCY_S = 0.25
    _serve(idle, a_second=4_000, seconds=2)
    _serve(idle, a_second=800, seconds=3)
    assert _entered() == pytest.approx(200, rel=0.05)


def test_who_waits_for_a_gateway_leaves_room_and_comes_back(idle: list[float]) -> None:
    _entered()
    admission.away()
    assert _entered() == 1
    admission.back()
    admission.leave()
    with pytest.raises(Overloaded):
        admission.enter()
