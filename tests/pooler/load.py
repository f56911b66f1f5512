"""Forty merchants' clients at once, on hot and classic endpoints."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

# Longer than any orderly answer takes: two seconds for a connection, twice where two pools are in line.
HANGS_S = 8.0
CREATE = {"amount": 2_000, "currency": "eur"}
PAY = {**CREATE, "payment_method": "pm_card_visa", "confirm": "true"}
STEPS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", "/v1/payment_intents", CREATE),
    ("GET", "/v1/payment_intents?limit=3", None),
    ("GET", "/v1/balance", None),
    ("POST", "/v1/payment_intents", PAY),
    ("POST", "/v1/customers", {"name": "A. Customer"}),
    ("GET", "/v1/events?limit=3", None),
    ("GET", "/v1/ledger/entries?limit=3", None),
]


@dataclass(frozen=True)
class Seen:
    """One answer. `status` 0: there was none."""

    method: str
    path: str
    status: int
    retry_after: str | None = None
    body: str = ""


@dataclass
class Load:
    """What has been answered so far."""

    seen: list[Seen] = field(default_factory=list)

    @property
    def statuses(self) -> Counter[int]:
        return Counter(answer.status for answer in self.seen)

    def wrong(self) -> list[Seen]:
        """Neither served nor told to come back."""
        return [answer for answer in self.seen if answer.status != 200 and not (answer.status == 503 and answer.retry_after)]

    async def served(self, more: int, seconds: float) -> None:
        """Returns when `more` further requests have been served; fails after `seconds`."""
        goal = self.statuses[200] + more
        await until(lambda: self.statuses[200] >= goal, seconds)


async def until(done: Callable[[], bool], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not done():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def held_by(base: str, secrets: list[str]) -> AsyncIterator[Load]:
    """Inside, one client per secret asks one thing after the other; afterwards all have had their answers."""
    load, stop = Load(), asyncio.Event()
    timeout, connector = aiohttp.ClientTimeout(total=HANGS_S), aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(base, timeout=timeout, connector=connector) as session:
        clients = [asyncio.create_task(_client(session, secret, number, load, stop)) for number, secret in enumerate(secrets)]
        try:
            yield load
        finally:
            stop.set()
            await asyncio.gather(*clients)


async def _client(session: aiohttp.ClientSession, secret: str, number: int, load: Load, stop: asyncio.Event) -> None:
    while not stop.is_set():
        for step in range(len(STEPS)):
            answer = await ask(session, secret, *STEPS[(number + step) % len(STEPS)])
            load.seen.append(answer)
            await asyncio.sleep(0.05)
            if stop.is_set():
                return


async def ask(session: aiohttp.ClientSession, secret: str, method: str, path: str, data: dict[str, Any] | None) -> Seen:
    try:
        async with session.request(method, path, data=data, headers={"Authorization": f"Bearer {secret}"}) as answer:
            return Seen(method, path, answer.status, answer.headers.get("Retry-After"), await answer.text())
    except (aiohttp.ClientError, TimeoutError) as error:
        return Seen(method, path, 0, body=repr(error))
