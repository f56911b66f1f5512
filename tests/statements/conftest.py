"""Statements need closed months, and closing a month closes all before it: each module here has a
database of its own, and each test in it a month of its own."""

from collections.abc import Iterator
from datetime import date

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from tests.conftest import _point_at, drop_database, recreate_database
from tests.statements.books import months


def _disconnect() -> None:
    connections["default"].close()
    connections["default"].close_pool()


@pytest.fixture(scope="module")
def own_database(database: str, django_db_blocker, tmp_path_factory) -> Iterator[str]:
    """A database for this module, and a folder for its files."""
    name, files = f"{database}_own", settings.MEDIA_ROOT
    with django_db_blocker.unblock():
        _disconnect()
        recreate_database(name)
        _point_at(name)
        settings.MEDIA_ROOT = tmp_path_factory.mktemp("files")
        call_command("prepare", "--database-only", verbosity=0)
        yield name
        _disconnect()
        _point_at(database)
        settings.MEDIA_ROOT = files
        drop_database(name)


@pytest.fixture(scope="module")
def calendar(own_database: str) -> Iterator[Iterator[date]]:
    return months()


@pytest.fixture
def month(calendar: Iterator[date]) -> date:
    """A month that nothing was booked into yet."""
    return next(calendar)
