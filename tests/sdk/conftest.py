"""The running product, a merchant of its own per test, and the official SDK pointed at it."""

from collections.abc import Iterator

import pytest
import stripe

from tests.sink import Sink
from tests.stack import Stack


@pytest.fixture(scope="session")
def stack(sandbox: str, tmp_path_factory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("stack")).start("web", "worker", "relay")
    yield running
    running.stop()


@pytest.fixture
def secret(make_merchant) -> str:
    return make_merchant().secret


@pytest.fixture
def client(stack: Stack, secret: str) -> stripe.StripeClient:
    return stripe.StripeClient(secret, base_addresses={"api": stack.base}, max_network_retries=2)


@pytest.fixture
def sink() -> Iterator[Sink]:
    listening = Sink()
    yield listening
    listening.close()
