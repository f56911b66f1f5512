"""A real PgBouncer with three connections in front of the suite's database; no test where there is none."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from django.conf import settings
from django.db import connections
from psycopg.conninfo import make_conninfo

from apps.core import db
from devservices import pgbouncer
from devservices.errors import BinaryMissing
from devservices.pgbouncer import Bouncer
from tests.stack import Stack, database_url

POOL_SIZE = 3


@pytest.fixture(scope="session")
def bouncer(database: str) -> Iterator[Bouncer]:
    """Transaction pooling with POOL_SIZE connections a role and a wait of two seconds, for both roles."""
    roles = (settings.DATABASES["default"], settings.OWNER_DATABASE)
    try:
        with pgbouncer.beside(*map(database_url, roles), pool_size=POOL_SIZE, wait_s=2) as running:
            yield running
    except BinaryMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
async def through(bouncer: Bouncer) -> AsyncIterator[None]:
    """Inside, Django and the hot pool of this process go through the PgBouncer, as the environment would say."""
    entry, prepare = settings.DATABASES["default"], settings.HOT_PREPARE
    before = {name: entry[name] for name in ("PORT", "DISABLE_SERVER_SIDE_CURSORS", "OPTIONS")}
    pooled = {"PORT": str(bouncer.port), "DISABLE_SERVER_SIDE_CURSORS": True, "OPTIONS": entry["OPTIONS"] | {"prepare_threshold": None}}
    await _lead(pooled, hot_prepare=bouncer.prepares)
    yield
    await _lead(before, hot_prepare=prepare)


async def _lead(entry: dict, *, hot_prepare: bool) -> None:
    await db.close_lines()
    await asyncio.to_thread(connections["default"].close_pool)
    settings.DATABASES["default"].update(entry)
    connections.settings["default"].update(entry)
    settings.HOT_PREPARE, settings.HOT_POOLED = hot_prepare, entry["OPTIONS"]["prepare_threshold"] is None
    settings.HOT_DATABASE_DSN = make_conninfo(settings.HOT_DATABASE_DSN, port=entry["PORT"])


@pytest.fixture(scope="module")
def web(bouncer: Bouncer, sandbox: str, tmp_path_factory) -> Iterator[Stack]:
    """Two web processes whose every connection goes through the PgBouncer."""
    running = Stack(tmp_path_factory.mktemp("web"), extra=bouncer.environment(hot="through")).start("web")
    yield running
    running.stop()
