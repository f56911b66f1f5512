"""What is started for a benchmark is stopped, whenever the benchmark ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import servers
from benchmarks.contenders import Contender, Targets

ASLEEP = Contender(name="asleep", argv=lambda port: [sys.executable, "-c", "import time; time.sleep(60)"], prepare=lambda florin: florin)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen]:
    """Who was waited for when the interruption came."""
    found: list[subprocess.Popen] = []

    def interrupted(url: str, process: subprocess.Popen) -> None:
        found.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr(servers, "wait_for", interrupted)
    return found


def test_a_contender_that_is_interrupted_at_its_start_is_stopped(started: list[subprocess.Popen], tmp_path: Path) -> None:
    yard = servers.Yard(Targets([], [], []), tmp_path, known={"asleep": ASLEEP})
    with pytest.raises(KeyboardInterrupt):
        yard.server("asleep")
    assert started[0].poll() is not None


def test_so_is_the_sandbox(started: list[subprocess.Popen], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        servers.Sandbox.start(tmp_path / "sandbox")
    assert started[0].poll() is not None
