"""What this process knows of the switches, and what it has counted since it last told the database.

One task of the process asks PostgreSQL every half second, on a connection of its own, so that a switch
is thrown everywhere within a second however busy the pools are and whether or not there is a Redis.
The same call carries the counts. A request only looks into a dict.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
import structlog
from django.db import Error as DatabaseError
from django.db import connections

from apps.core import db
from apps.cutover import services
from apps.cutover.domain import CLASSIC, ENDPOINTS, EVERY, HOT, Plan, Rule, plans

TICK_S = 0.5
_PATIENCE_S = 2.0
_AWAY = (psycopg.Error, OSError, TimeoutError)

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Tally:
    requests: int = 0
    failures: int = 0


@dataclass(slots=True)
class Lane:
    """One endpoint in this process: where its requests go now, and what was counted and not yet told.
    `is_hot`: all of them go hot, as they do while nobody watches."""

    endpoint: str
    plan: Plan = field(default_factory=Plan)
    is_hot: bool = True
    hot: Tally = field(default_factory=Tally)
    classic: Tally = field(default_factory=Tally)

    def follow(self, plan: Plan) -> None:
        self.plan = plan
        self.is_hot = plan.others == 100 and not plan.merchants

    def taken(self) -> Iterator[dict[str, Any]]:
        """What was counted since this was last asked."""
        for path, tally in ((HOT, self.hot), (CLASSIC, self.classic)):
            if tally.requests:
                yield {"endpoint": self.endpoint, "path": path, "requests": tally.requests, "failures": tally.failures}
                tally.requests = tally.failures = 0


LANES = {endpoint: Lane(endpoint) for endpoint in ENDPOINTS}
_watcher: "Watcher | None" = None


async def start() -> None:
    """From now on the process follows the switches (ASGI lifespan start). Until they have been read all
    goes classic: a process that starts must not undo a rollback."""
    global _watcher
    _follow([Rule(EVERY, None, 0)])
    _watcher = Watcher()
    await _watcher.tick()
    _watcher.begin()


async def stop() -> None:
    """Tells what was still counted, and watches no more (ASGI lifespan end)."""
    global _watcher
    watcher, _watcher = _watcher, None
    if watcher is not None:
        await watcher.end()
    _follow([])


def _follow(rules: list[Rule]) -> None:
    for endpoint, plan in plans(rules).items():
        LANES[endpoint].follow(plan)


class Watcher:
    """The task that keeps this process up to date. While the database is away all stays as it is, and
    what failed meanwhile is not counted: it says nothing about the endpoint."""

    def __init__(self) -> None:
        self.line = db.Line()
        self.known = 0
        self.is_away = False
        self.task: asyncio.Task[None] | None = None
        self.judging: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self.task = asyncio.ensure_future(self._watch())

    async def end(self) -> None:
        for task in (self.task, self.judging):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        await self.tick()
        await self.line.close()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                await self.tick()
            except Exception:
                # The task must outlive what nobody has foreseen: without it, this process obeys no switch any more.
                log.exception("cutover.not_asked")

    async def tick(self) -> None:
        """Tells the counts, learns the rules if they have changed."""
        counts = [count for lane in LANES.values() for count in lane.taken()]
        command = {"known": self.known, "counts": [] if self.is_away else counts}
        try:
            async with asyncio.timeout(_PATIENCE_S):
                said = (await self.line.call("cutover_tick", [command]))[0]
        except _AWAY as error:
            if not self.is_away:
                log.warning("cutover.database_away", error=type(error).__name__)
            self.is_away = True
            return
        self._learn(said)
        if not self.is_away and any(counted["failures"] for counted in counts if counted["path"] == HOT):
            self._judge()
        self.is_away = False

    def _learn(self, said: dict[str, Any]) -> None:
        if said["rules"] is not None:
            _follow([Rule(endpoint, merchant and UUID(merchant), percent) for endpoint, merchant, percent in said["rules"]])
            self.known = said["version"]

    def _judge(self) -> None:
        """Whoever sees failures judges at once, and does not wait for beat."""
        if self.judging is None or self.judging.done():
            self.judging = asyncio.ensure_future(asyncio.to_thread(_roll_back_where_due))


def _roll_back_where_due() -> None:
    try:
        services.roll_back_where_due()
    except DatabaseError as error:
        # Beat asks the same question every five seconds.
        log.warning("cutover.not_judged", error=type(error).__name__)
    finally:
        connections.close_all()
