"""Twenty SIGKILLs while a month is played: nothing is charged, booked or stated twice, or not at all."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from devservices import processes
from devservices.layout import Layout
from tests.conftest import ROOT

KILLS = 20
# Twenty kills take about forty seconds; a month of so many payments takes twice that on a fast machine.
PAYMENTS = "400"
VICTIMS = ("web", "worker", "beat", "postgres")
SEED = int(os.environ.get("KILL_SEED", "20261121"))


def _devservices(state: Path, *words: str) -> None:
    subprocess.run([sys.executable, "-m", "devservices", *words], cwd=ROOT, env=_environment(state), check=True, timeout=180)


def _environment(state: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in _OURS and not name.startswith("FLORIN_")}
    return inherited | {"FLORIN_STATE_DIR": str(state)}


# What this suite points at its own services must not leak into the stack under test.
_OURS = {
    "DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "CELERY_BROKER_URL", "SANDBOX_URL", "PORT", "DJANGO_SETTINGS_MODULE",
    "DATABASE_JOBS_USER", "DATABASE_JOBS_PASSWORD",
    "EMAIL_HOST", "EMAIL_PORT", "MEDIA_DIR", "PUBLIC_BASE_URL", "SECRET_KEY", "MAILBOX_DIR", "SANDBOX_PORT", "SANDBOX_DATA_DIR",
}  # fmt: skip


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A whole stack of its own, under its supervisor."""
    folder = tmp_path / "state"
    _devservices(folder, "up")
    yield folder
    _devservices(folder, "down")
    _devservices(folder, "destroy")


def _victims(state: Path, name: str) -> list[psutil.Process]:
    """The processes of one program of this stack: they carry the stack's token and their program's name."""
    stack = Layout(state)
    if name == "postgres":
        return [psutil.Process(int((stack.pgdata / "postmaster.pid").read_text().split()[0]))]
    return [process for process in psutil.process_iter() if _carries(process, stack.token, name)]


def _carries(process: psutil.Process, token: str, name: str) -> bool:
    try:
        environment = process.environ()
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        return False
    return (environment.get(processes.MARK), environment.get(processes.PROGRAM)) == (token, name)


def _kill(state: Path, name: str, chance: random.Random) -> bool:
    """True when there was something to kill (a program may be down from the kill before)."""
    try:
        chance.choice(_victims(state, name)).send_signal(signal.SIGKILL)
    except (IndexError, FileNotFoundError, psutil.NoSuchProcess):
        return False
    return True


def _journal(demo: dict) -> list[dict]:
    with urllib.request.urlopen(f"{demo['sandbox_base']}/control/journal", timeout=10) as answer:
        return [json.loads(line) for line in answer.read().splitlines()]


def _rows(demo: dict, statement: str) -> list[tuple]:
    with psycopg.connect(demo["database_url"]) as connection:
        return connection.execute(statement).fetchall()


def _manage(state: Path, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=_environment(state), capture_output=True, text=True, timeout=300
    )


def _audit_until_clean(state: Path, seconds: float) -> subprocess.CompletedProcess:
    """Recovery goes by the clock (first look after 10 s): asks again until it is done."""
    until = time.monotonic() + seconds
    while True:
        audit = _manage(state, "audit", "--strict")
        if audit.returncode == 0 or time.monotonic() > until:
            return audit
        time.sleep(3)


@pytest.mark.slow
def test_twenty_kills_during_a_month_leave_one_charge_a_key_and_clean_books(state: Path) -> None:
    chance = random.Random(SEED)
    command = [sys.executable, "manage.py", "demo", "--payments", PAYMENTS]
    playing = subprocess.Popen(command, cwd=ROOT, env=_environment(state), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    killed = 0
    while killed < KILLS and playing.poll() is None:
        time.sleep(chance.uniform(1.0, 3.0))
        killed += _kill(state, chance.choice(VICTIMS), chance)
    output, _ = playing.communicate(timeout=420)
    assert playing.returncode == 0, output
    assert killed == KILLS

    audit = _audit_until_clean(state, 120)
    assert audit.returncode == 0, audit.stdout
    demo = json.loads((state / "demo.json").read_text())
    charged = Counter(line["reference"] for line in _journal(demo) if line.get("status") == "captured" and line["kind"] == "authorize")
    assert set(charged.values()) == {1}
    assert _statements_per_merchant(demo) == {1}
    assert _bean_check(state) == (0, "")


def _bean_check(state: Path) -> tuple[int, str]:
    """What an independent program says of the exported journal of the month's books."""
    journal = state / "books.beancount"
    exported = _manage(state, "export_ledger", "--format", "beancount", "-o", str(journal))
    assert exported.returncode == 0, exported.stderr
    assert journal.read_text().count(" * ") > 100
    checked = subprocess.run([Path(sys.executable).parent / "bean-check", journal], capture_output=True, text=True, timeout=120)
    return checked.returncode, checked.stdout + checked.stderr


def _statements_per_merchant(demo: dict) -> set[int]:
    counts = _rows(demo, "SELECT count(*) FROM statements_statement GROUP BY merchant_id, livemode, currency, month, version")
    return {count for (count,) in counts}
