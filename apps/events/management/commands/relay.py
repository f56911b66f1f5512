"""The relay: events leave the outbox as rows of work, and workers are told. Any number may run."""

import signal
import time
from argparse import ArgumentParser
from importlib import import_module
from types import FrameType
from typing import Any

import structlog
from django.core.management import BaseCommand
from django.db import Error as DatabaseError
from django.db import connection
from kombu.exceptions import OperationalError as BrokerError

from apps.events import services
from apps.events.services import Work
from apps.events.tasks import poke

log = structlog.get_logger(__name__)
IDLE_S = 0.1
LONGEST_PAUSE_S = 5.0


class Command(BaseCommand):
    help = "Turns events into work until TERM. An idle relay looks ten times a second, so work wakes within 200 ms."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--batch", type=int, default=500)
        parser.add_argument("--drain", action="store_true", help="stop when the outbox is empty")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        # Named by string, because what follows from an event belongs to apps above this one.
        routes = import_module("config.event_routes").ROUTES
        pause = IDLE_S
        while not self.stopping:
            try:
                found = self._relay(options["batch"], routes)
                pause = IDLE_S
            except DatabaseError as error:
                pause = self._wait_out("database", error, pause)
                continue
            if not found:
                if options["drain"]:
                    return
                time.sleep(IDLE_S)

    def _relay(self, batch: int, routes: dict[str, tuple[str, ...]]) -> int:
        work = services.relay_batch(batch=batch, routes=routes)
        if work.found:
            self._tell(work)
        return work.found

    def _tell(self, work: Work) -> None:
        try:
            poke(work)
        except BrokerError as error:
            # The rows are committed: the sweeper tells the workers once the broker is back.
            log.warning("relay.broker_down", error=type(error).__name__)

    def _wait_out(self, what: str, error: Exception, pause: float) -> float:
        log.warning("relay.waiting", what=what, error=type(error).__name__, seconds=pause)
        connection.close()
        time.sleep(pause)
        return min(pause * 2, LONGEST_PAUSE_S)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True
