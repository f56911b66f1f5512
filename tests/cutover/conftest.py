"""A process that watches its switches, and requests through its two handlers."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from apps.core.caching import cache
from apps.cutover import services
from apps.cutover.api import watch
from apps.cutover.domain import EVERY
from apps.merchants.api import gate, limits
from config.asgi import lean
from tests.cutover.shadow import shadowed  # noqa: F401  (a fixture)
from tests.factories import MadeMerchant
from tests.mailbox import mailbox  # noqa: F401  (a fixture)
from tests.merchants.asgi import Reply, ask

BALANCE = "balance.retrieve"


@pytest.fixture
def fresh_process() -> None:
    """No key, limit or price is remembered from another test."""
    gate.forget()
    limits.forget()
    cache.forget()


@pytest.fixture
async def watching(database, fresh_process) -> AsyncIterator[None]:
    """This process follows the switches, as a web process does."""
    await watch.start()
    yield
    await watch.stop()


async def throw(endpoint: str, shop: MadeMerchant, percent: int | None) -> None:
    """The switch is thrown for this merchant, and this process knows."""
    given = {"endpoint": endpoint, "merchant_id": shop.id, "hot_percent": percent, "actor": "ada", "reason": "a test"}
    await asyncio.to_thread(lambda: services.throw(**given))
    expected = 100 if percent is None else percent
    async with asyncio.timeout(20):
        while (plan := watch.LANES[BALANCE if endpoint == EVERY else endpoint].plan).merchants.get(shop.id, plan.others) != expected:
            await asyncio.sleep(0.02)


async def send(shop: MadeMerchant, method: str, url: str, document: Any = None, **headers: str) -> Reply:
    """A request to the handler that decides which way it goes."""
    body = b"" if document is None else json.dumps(document).encode()
    kind = {} if document is None else {"Content-Type": "application/json"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await ask(lean, method, url, headers=shop.auth | kind | named, chunks=[body])


def path_of(reply: Reply) -> str:
    """Which way an answer came: only the stock handler's middleware says how pages may be framed."""
    return "classic" if "x-frame-options" in reply.headers else "hot"
