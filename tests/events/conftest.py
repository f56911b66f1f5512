"""A merchant of its own per test, a server that answers webhooks as told, a mail server."""

from collections.abc import Iterator

import pytest

from tests.events.listener import Listener
from tests.events.world import Shop
from tests.mailbox import mailbox  # noqa: F401  (a fixture)


@pytest.fixture(scope="module", autouse=True)
def alone(own_database: str) -> None:
    """Nobody else's relay works here, and nobody else's events wait in this outbox."""


@pytest.fixture
def shop(make_merchant) -> Shop:
    return Shop(make_merchant())


@pytest.fixture
def listener() -> Iterator[Listener]:
    listening = Listener()
    yield listening
    listening.close()
