"""A merchant of its own per test, a server that answers webhooks as told, a mail server."""

from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller
from django.test import override_settings

from tests.conftest import free_port
from tests.events.listener import Listener
from tests.events.mailbox import Mailbox
from tests.events.world import Shop


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


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box, port = Mailbox(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=port):
        yield box
    controller.stop()
