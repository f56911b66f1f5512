"""The suite runs on real services and commits for real: every test makes its own merchant and looks
at its own rows. The database is built once per session (and per xdist worker) and audited at the end."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.factories import make_merchant  # noqa: F401  (a fixture)

ROOT = Path(__file__).resolve().parent.parent


def _test_database_name() -> str:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    return os.environ.get("FLORIN_TEST_DB", "florin_test") + (f"_{worker}" if worker else "")


def _point_at(name: str) -> None:
    """Every way to the database leads to `name` from now on."""
    from config import env

    connections.settings["default"]["NAME"] = name
    settings.DATABASES["default"]["NAME"] = name
    settings.OWNER_DATABASE["NAME"] = name
    settings.DATABASE_DSN = env.dsn(settings.DATABASES["default"])
    settings.DATABASE_DIRECT_DSN = make_conninfo(settings.DATABASE_DIRECT_DSN, dbname=name)
    settings.HOT_DATABASE_DSN = make_conninfo(settings.HOT_DATABASE_DSN, dbname=name)
    settings.DATABASE_OWNER_DSN = env.dsn(settings.OWNER_DATABASE)


def owner_execute(statement: sql.Composed | sql.SQL, database: str) -> None:
    with psycopg.connect(settings.DATABASE_OWNER_DSN, dbname=database, autocommit=True) as owner:
        owner.execute(statement)


def recreate_database(name: str, template: str = "template1") -> None:
    drop_database(name)
    owner_execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)), "postgres")


def drop_database(name: str) -> None:
    """Gone, whoever is connected. An autovacuum worker is not ours to end: it leaves by itself."""
    for attempts_left in reversed(range(20)):
        try:
            owner_execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)), "postgres")
            break
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
            if not attempts_left:
                raise
            time.sleep(0.5)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: object) -> None:
    """Replaces pytest-django's: see `database`."""


@pytest.fixture(scope="session", autouse=True)
def database(django_db_blocker) -> Iterator[str]:
    """A database of this session: migrated by the owner, used by the application's role."""
    name = _test_database_name()
    with django_db_blocker.unblock():
        connection.close()
        recreate_database(name)
        _point_at(name)
        call_command("prepare", "--database-only", verbosity=0)
        yield name
        connections.close_all()


@pytest.fixture(scope="session")
def pristine_database(database: str) -> Iterator[str]:
    """A database that was migrated and never used, to clone from."""
    name = f"{database}_pristine"
    with _elsewhere(name):
        recreate_database(name)
        call_command("prepare", "--database-only", verbosity=0)
    yield name
    drop_database(name)


@pytest.fixture
def scratch_database(database: str, pristine_database: str) -> Iterator[str]:
    """A clone of the freshly migrated schema for tests that close months or tamper; Django, the hot
    pool and `settings.DATABASE_DSN` point at it for the length of the test."""
    name = f"{database}_scratch"
    with _elsewhere(name):
        recreate_database(name, template=pristine_database)
        yield name
    drop_database(name)


@pytest.fixture(scope="module")
def own_database(database: str, pristine_database: str) -> Iterator[str]:
    """A clone for all tests of a module that look at everything there is: the outbox, the audit."""
    name = f"{database}_module"
    with _elsewhere(name):
        recreate_database(name, template=pristine_database)
        yield name
    drop_database(name)


@contextmanager
def _elsewhere(name: str) -> Iterator[None]:
    """Inside, Django's connections lead to the database `name`; afterwards to the one before."""
    back = settings.DATABASES["default"]["NAME"]
    connections["default"].close()
    connections["default"].close_pool()
    _point_at(name)
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"].close_pool()
        _point_at(back)


class _Threads(ThreadPoolExecutor):
    """For `asyncio.to_thread`: a thread keeps no connection, which another module's database would take down with it."""

    def submit(self, call: Callable, /, *arguments: object, **named: object) -> Future:
        def and_close() -> object:
            try:
                return call(*arguments, **named)
            finally:
                connections.close_all()

        return super().submit(and_close)


@pytest.fixture(scope="session", autouse=True)
async def threads() -> AsyncIterator[None]:
    with _Threads() as executor:
        asyncio.get_running_loop().set_default_executor(executor)
        yield


@pytest.fixture(scope="session", autouse=True)
async def hot_pool(database: str):
    """The process's async pool and HTTP clients, as the ASGI lifespan would open them."""
    from apps.core import db, http

    yield
    await http.close()
    await db.close_lines()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(url: str, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory) -> Iterator[str]:
    """The sandbox acquirer as its own process; gives its base URL, and `settings.SANDBOX_URL` is it."""
    port = free_port()
    log = open(tmp_path_factory.mktemp("log") / "sandbox.log", "wb")
    data = tmp_path_factory.mktemp("sandbox")
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--host", "127.0.0.1", "--port", str(port), "--data-dir", str(data)],
        cwd=ROOT,
        stdout=log,
        stderr=log,
    )
    url = f"http://127.0.0.1:{port}"
    wait_for(f"{url}/healthz")
    settings.SANDBOX_URL = url
    yield url
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    log.close()
