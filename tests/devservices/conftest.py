"""These tests start servers of their own, in state directories of their own: no shared database here."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from devservices import envfile, processes, supervisor
from devservices.layout import REPOSITORY, Layout

NOT_INHERITED = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "DATABASE_JOBS_USER",
    "DATABASE_JOBS_PASSWORD",
    "REDIS_URL",
    "CELERY_BROKER_URL",
    "SECRET_KEY",
    "PORT",
)


@dataclass(frozen=True)
class Stack:
    """One state directory and the command line that works on it."""

    layout: Layout

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """The verb's outcome, whatever it was."""
        clean = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED and not name.startswith("FLORIN_")}
        return subprocess.run(
            [sys.executable, "-m", "devservices", *words],
            env={**clean, "FLORIN_STATE_DIR": str(self.layout.state), **variables},
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=180,
        )

    def must(self, *words: str, **variables: str) -> str:
        """The verb's output; it has succeeded."""
        done = self.run(*words, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def env(self) -> dict[str, str]:
        return envfile.read(self.layout)

    def connect(self, variable: str = "DATABASE_URL", **changes: object) -> psycopg.Connection:
        return psycopg.connect(self.env()[variable], autocommit=True, connect_timeout=5, **changes)

    def value(self, query: str, variable: str = "DATABASE_URL") -> object:
        with self.connect(variable) as connection:
            return connection.execute(query).fetchone()[0]

    def processes(self, program: str | None = None) -> list[psutil.Process]:
        return processes.leftovers(self.layout, program)

    def postmaster(self) -> int:
        return int((self.layout.pgdata / "postmaster.pid").read_text().split()[0])

    def supervisor(self) -> psutil.Process:
        return next(process for process in self.processes() if processes.is_supervisor(process))


def _stack(folder: Path) -> Iterator[Stack]:
    stack = Stack(Layout(folder.resolve()))
    yield stack
    stack.must("destroy")


@pytest.fixture
def stack(tmp_path) -> Iterator[Stack]:
    """A stack that nothing was started in yet; it is destroyed at the end."""
    yield from _stack(tmp_path / "state")


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory) -> Iterator[Stack]:
    yield from _stack(tmp_path_factory.mktemp("stack") / "state")


@pytest.fixture
def services(shared_stack) -> Stack:
    """PostgreSQL and Redis, running; shared by the tests, started again for whoever comes after a stop."""
    if not supervisor.is_alive(shared_stack.layout):
        shared_stack.must("services-up")
    return shared_stack


@pytest.fixture(scope="session", autouse=True)
def database() -> None:
    """Replaces the suite's: nothing here looks at Florin's tables."""


@pytest.fixture(scope="session", autouse=True)
def hot_pool() -> None:
    """Replaces the suite's."""
