"""Which programs are used, and the copies that root's servers run from."""

import os
from pathlib import Path

import pytest

from devservices import binaries
from devservices.errors import BinaryMissing, UntrustedPath


@pytest.fixture
def programs(tmp_path) -> Path:
    """A folder that looks like PostgreSQL's: <root>/bin beside <root>/lib."""
    for name in ("bin/initdb", "bin/postgres", "lib/libpq.so"):
        path = tmp_path / "pg" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 18.6'\n")
        path.chmod(0o700)
    return tmp_path / "pg" / "bin"


@pytest.fixture
def shared(tmp_path) -> Path:
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o755)
    return folder


def test_programs_named_in_the_environment_come_first(programs, monkeypatch):
    monkeypatch.setenv("PG_BIN", str(programs))
    monkeypatch.setattr(binaries, "_readable_by_service", lambda folder: folder)
    assert binaries.postgres_bin() == programs


@pytest.mark.parametrize("answer", ["postgres (PostgreSQL) 17.2", "postgres (PostgreSQL) 9.6.24", ""])
def test_a_postgresql_that_is_too_old_or_does_not_run_is_not_used(programs, monkeypatch, answer):
    (programs / "postgres").write_text(f"#!/bin/sh\necho '{answer}'\n" if answer else "#!/bin/sh\nexit 1\n")
    monkeypatch.setenv("PG_BIN", str(programs))
    with pytest.raises(BinaryMissing, match="PG_BIN"):
        binaries.postgres_bin()


def test_a_copy_is_made_once_and_readable_by_every_account(programs, shared):
    first = binaries.stage(programs.parent, shared)
    assert binaries.stage(programs.parent, shared) == first
    assert [path.name for path in shared.iterdir()] == [first.name]
    assert (first / "bin" / "postgres").stat().st_mode & 0o777 == 0o755
    (programs / "postgres").write_text("another version")
    assert binaries.stage(programs.parent, shared) != first


def test_a_copy_that_others_could_have_changed_is_refused(programs, shared):
    copy = binaries.stage(programs.parent, shared)
    copy.chmod(0o777)
    with pytest.raises(UntrustedPath, match="written by others"):
        binaries.stage(programs.parent, shared)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can plant a directory of somebody else")
def test_a_copy_that_somebody_else_planted_is_refused(programs, shared):
    copy = binaries.stage(programs.parent, shared)
    os.chown(copy, 65534, 65534)
    with pytest.raises(UntrustedPath, match="belongs to uid 65534"):
        binaries.stage(programs.parent, shared)
