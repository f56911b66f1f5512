from collections.abc import Callable

import pytest

from apps.core import cache
from tests.payments.shop import Shop
from tests.reconciliation.world import World


@pytest.fixture
def world(make_merchant, sandbox: str) -> World:
    """A shop in test mode, with a bank account of its own."""
    cache.forget()
    return World(Shop(make_merchant()))


@pytest.fixture
def new_world(make_merchant, sandbox: str) -> Callable[..., World]:
    return lambda **mode: World(Shop(make_merchant(), **mode))
