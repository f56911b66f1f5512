"""A database of its own that holds nothing but what these tests put there, so that every list is looked at whole."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.orm.town import Town
from tests.statements.conftest import calendar, own_database

__all__ = ["calendar", "own_database"]


@pytest.fixture(scope="module")
def town(own_database: str, sandbox: str) -> Town:
    return Town()


@pytest.fixture(scope="module")
def staff(own_database: str) -> Iterator[Client]:
    client = Client()
    client.force_login(User.objects.create_superuser("orm-admin", "staff@florin.example", "a long enough password"))
    return client
