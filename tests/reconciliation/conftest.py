from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from apps.core import clock
from apps.core.caching import cache
from apps.reconciliation import services
from tests.payments.shop import Shop
from tests.reconciliation.world import World


@pytest.fixture
def world(make_merchant, sandbox: str) -> World:
    """A shop in test mode, with a bank account of its own. Whatever other tests left open is matched by now, so that
    the platform's accounts move only by what the test does."""
    cache.forget()
    services.match_open_lines(actor="test")
    return World(Shop(make_merchant()))


@pytest.fixture
def new_world(make_merchant, sandbox: str) -> Callable[..., World]:
    return lambda **mode: World(Shop(make_merchant(), **mode))


@pytest.fixture
def business_time() -> Iterator[Callable[[timedelta], None]]:
    """Sets how far business time is ahead of real time, until the end of the test."""
    yield clock.set_shift
    clock.set_shift(timedelta(0))


@pytest.fixture(scope="package", autouse=True)
def _nothing_is_left_unseen(database: str) -> Iterator[None]:
    """Every line that these tests took in was looked at in the end, as the audit expects."""
    yield
    services.match_open_lines(actor="test")
