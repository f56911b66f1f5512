"""The gate's arithmetic: what is too slow, what is recorded too low, and what is not worth recording."""

import json
from pathlib import Path

import pytest

from benchmarks import figures, gate

NAMES = (*gate.CPU, *gate.THROUGHPUT)


def found(value: float, *names: str) -> list[dict]:
    return [figures.figure(name, "×", [value * 0.9, value, value * 1.1], "higher") for name in names]


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything was four times as good when it was recorded."""
    file = tmp_path / "gate.json"
    file.write_text(json.dumps({"figures": found(4, *NAMES)}))
    monkeypatch.setattr(gate, "RECORDED", file)
    return file


@pytest.mark.parametrize(("now", "is_slow"), [(2.9, True), (3.1, False), (4, False)])
def test_a_quarter_less_is_too_slow(recorded: Path, now: float, is_slow: bool) -> None:
    assert bool(gate._slower(found(now, *NAMES))) is is_slow


def test_throughput_that_a_busy_machine_did_not_show_is_not_judged_but_cpu_is(recorded: Path) -> None:
    assert gate._slower(found(4, *gate.CPU)) == []
    assert gate._slower(found(4, *gate.THROUGHPUT)) == list(gate.CPU)


def test_a_record_that_would_let_a_quarter_go_unseen_is_told(recorded: Path, capsys: pytest.CaptureFixture) -> None:
    gate._slower(found(5.5, *NAMES))
    assert "lax" not in capsys.readouterr().err
    gate._slower(found(6.5, *NAMES))
    assert f"{len(NAMES)} recorded so low" in capsys.readouterr().err


def test_what_was_disturbed_or_wrong_is_not_recorded(recorded: Path) -> None:
    before = recorded.read_text()
    assert gate._record(found(9, *gate.CPU), [], 5) == 1
    assert gate._record(found(9, *NAMES), ["the accounts do not sum to zero"], 5) == 1
    assert recorded.read_text() == before


def test_what_was_measured_undisturbed_is_recorded(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures.machine, "described", dict)
    assert gate._record(found(9, *NAMES), [], 5) == 0
    assert set(gate._recorded(recorded).values()) == {9}
