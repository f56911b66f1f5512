"""`manage.py reconcile`."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.reconciliation.files import Line, settlement
from tests.reconciliation.world import World, groups_of


def reconcile(*arguments: str) -> str:
    out = StringIO()
    call_command("reconcile", *arguments, stdout=out)
    return out.getvalue()


def test_it_imports_files_matches_and_tells_what_came_of_it(world: World, tmp_path: Path) -> None:
    capture = world.capture()
    path = tmp_path / "monday.csv"
    path.write_bytes(settlement(capture.line(), Line()))
    told = reconcile("--file", str(path))
    assert "imported     monday.csv: 2 lines, 0 duplicates" in told
    assert len(groups_of(capture)) == 1
    assert figure(told, "files imported") == 1
    assert figure(told, "lines imported") == 2
    assert figure(told, "matches made and posted") == 1
    assert figure(told, "open breaks: missing in the ledger") >= 1


def figure(told: str, label: str) -> int:
    (line,) = [line for line in told.splitlines() if line.startswith(label + " ")]
    return int(line.removeprefix(label))


def test_a_file_in_quarantine_makes_it_fail_after_the_others_are_done(world: World, tmp_path: Path) -> None:
    capture = world.capture()
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_bytes(settlement(capture.line()))
    bad.write_bytes(settlement(Line(), "oops"))
    with pytest.raises(CommandError, match="1 of 2 files are in quarantine") as caught:
        reconcile("--file", str(bad), "--file", str(good))
    assert caught.value.returncode == 2
    assert len(groups_of(capture)) == 1


def test_a_file_that_is_not_there_makes_it_fail(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        reconcile("--file", str(tmp_path / "missing.csv"))


def test_with_nothing_new_it_makes_nothing() -> None:
    reconcile()
    assert figure(reconcile(), "matches made and posted") == 0
