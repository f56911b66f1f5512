"""Several at once, and killed half-way: each file once, each match once, nothing left in between."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from apps.core import db
from apps.reconciliation import services
from apps.reconciliation.domain import ImportedFile
from tests.conftest import ROOT
from tests.reconciliation.files import Line, new_payout, settlement
from tests.reconciliation.world import RECEIVABLE, Balances, World, groups_of, payout_groups


def at_once(count: int, work) -> list:
    """What `work` gives in `count` threads, each on a connection of its own."""

    def run(_: int):
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_five_at_once_import_a_file_once() -> None:
    data = settlement(*(Line() for _ in range(200)))
    done: list[ImportedFile] = at_once(5, lambda: services.import_file(data=data, name="f", received_by="test"))
    assert sorted(one.status for one in done) == ["imported", "repeated", "repeated", "repeated", "repeated"]
    assert len({one.file_id for one in done}) == 1
    assert db.query("SELECT count(*) AS n FROM recon_source_line WHERE file_id = %s", [done[0].file_id])[0]["n"] == 200


def test_five_at_once_quarantine_a_file_once() -> None:
    data = settlement(Line(), f"bad {uuid4()}")
    done: list[ImportedFile] = at_once(5, lambda: services.import_file(data=data, name="f", received_by="test"))
    assert {one.status for one in done} == {"quarantined"}
    assert len({one.file_id for one in done}) == 1


def test_files_that_share_lines_count_each_line_once_however_they_race(world: World) -> None:
    captures = [world.capture() for _ in range(5)]
    lines = [capture.line() for capture in captures]
    books = Balances(RECEIVABLE)
    files = [settlement(*lines, Line()) for _ in range(4)]
    at_once(4, lambda: services.import_file(data=files.pop(), name="f", received_by="test"))
    world.match()
    assert [len(groups_of(capture)) for capture in captures] == [1] * 5
    assert books.gained() == [-5_000]


def test_four_matchers_at_once_match_each_line_once(world: World) -> None:
    captures = [world.capture() for _ in range(12)]
    payout = new_payout()
    world.settle(*(capture.line(payout=payout) for capture in captures))
    books = Balances(RECEIVABLE)
    done = at_once(4, world.match)
    assert sum(one.groups for one in done) == 12
    assert [len(groups_of(capture)) for capture in captures] == [1] * 12
    assert books.gained() == [-12_000]


def test_two_beats_do_a_job_once() -> None:
    period = datetime.now(UTC) + timedelta(days=3650)
    claimed = at_once(4, lambda: services.claim_job(job="collect", period=period))
    assert sorted(claimed) == [False, False, False, True]


def reconcile(path: Path) -> "subprocess.Popen[bytes]":
    """`manage.py reconcile --file` as a process group of its own, on the database of this session."""
    environment = {
        **os.environ,
        "DATABASE_URL": _url(),
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
    }
    command = [sys.executable, "manage.py", "reconcile", "--file", str(path)]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def _url() -> str:
    one = settings.DATABASES["default"]
    return f"postgres://{one['USER']}:{one['PASSWORD']}@{one['HOST']}:{one['PORT']}/{one['NAME']}"


def wait_until(condition, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.005)


def left_of(name: str) -> list[dict]:
    return db.query(
        """SELECT f.status, l.id IS NOT NULL AS line FROM recon_source_file f LEFT JOIN recon_source_line l ON l.file_id = f.id
           WHERE f.name = %s LIMIT 1""",
        [name],
    )


@pytest.mark.parametrize("table", ["recon_file_content", "recon_source_line", "recon_line_identity", "recon_open_line", "recon_payout"])
def test_an_import_that_is_killed_leaves_nothing_and_can_be_done_again(tmp_path: Path, table: str) -> None:
    data = settlement(*(Line() for _ in range(50)))
    path = tmp_path / f"{uuid4()}.csv"
    path.write_bytes(data)
    with psycopg.connect(settings.DATABASE_OWNER_DSN) as owner:
        # The import gets as far as this table and waits there.
        owner.execute(f"LOCK TABLE {table} IN SHARE MODE")  # type: ignore[arg-type]
        process = reconcile(path)
        waiting = "SELECT pid FROM pg_locks WHERE NOT granted AND relation::regclass::text LIKE %s"
        wait_until(lambda: bool(owner.execute(waiting, [f"{table}%"]).fetchall()))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
    done = services.import_file(data=data + Line().text().encode() + b"\r\n", name="another", received_by="test")
    assert (done.status, done.duplicates, left_of(path.name)) == ("imported", 0, [])
    assert services.import_file(data=data, name=path.name, received_by="test").duplicates == 50


def test_a_run_that_is_killed_between_chunks_is_finished_by_the_next(world: World, tmp_path: Path) -> None:
    captures = [world.capture() for _ in range(10)]
    payout = new_payout()
    path = tmp_path / f"{uuid4()}.csv"
    path.write_bytes(settlement(*(capture.line(payout=payout) for capture in captures), *(Line() for _ in range(1_500))))
    books = Balances(RECEIVABLE)
    process = reconcile(path)
    wait_until(lambda: groups_of(captures[0]) != [])
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)
    world.match()
    assert [len(groups_of(capture)) for capture in captures] == [1] * 10
    assert books.gained() == [-10_000]
    assert payout_groups(payout) == []
