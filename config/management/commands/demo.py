"""`make demo`: a month of payments through the official SDK, settled, reconciled, closed, stated."""

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import stripe
from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import Error as DatabaseError
from django.db import connection

from apps.core import clock
from apps.core.http import HttpFailed
from apps.payments.services.funds import release_funds
from apps.statements import selectors as statements
from config.demo import shoppers, stage
from config.demo.shoppers import Shop

# Days of the month on which shoppers come; the acquirer settles on each of them and on the last day.
SHOPPING_DAYS = (2, 5, 9, 12, 16, 20, 24, 27)
PATIENCE_S = 240


class Command(BaseCommand):
    help = "Plays a month through the running stack: payments by the official SDK, settlement, reconciliation, close, statements."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--payments", type=int, default=300, help="how many shoppers come (default 300)")
        parser.add_argument("--threads", type=int, default=6, help="how many of them at once (default 6)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.CLOCK_MAY_MOVE:
            raise CommandError("The demo moves the business clock; this platform does not allow that.")
        month = stage.demo_month(clock.today())
        shops = self._shops(f"{month:%Y-%m}")
        self.stdout.write(self.style.MIGRATE_HEADING(f"{month:%B %Y}: {options['payments']} shoppers through the official stripe SDK"))
        self._patiently(lambda: self._play(shops, month, options["payments"], options["threads"]))
        self._patiently(lambda: self._close(month))
        self._patiently(lambda: self._show(month))

    def _patiently(self, work: Callable[[], None]) -> None:
        """Does `work`, again from its start when a part of the platform was away. Keys and claims make
        a repetition harmless: what was done is only told again."""
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                return work()
            except (DatabaseError, psycopg.OperationalError, stripe.APIConnectionError, stripe.APIError, HttpFailed) as error:
                if time.monotonic() > until:
                    raise
                self.stdout.write(f"\n  a part of the platform is away ({type(error).__name__}); going on in a moment")
                connection.close()
                time.sleep(2)

    def _shops(self, month: str) -> list[Shop]:
        path = Path(settings.STATE_DIR) / "demo.json"
        if not path.is_file():
            raise CommandError(f"{path} is missing: start the stack first (make up).")
        demo = json.loads(path.read_text(encoding="utf-8"))
        named = ((demo["secret_key"], "first"), (demo["secret_key_other_merchant"], "other"))
        return [shoppers.connect(demo["api_base"], secret, name, month) for secret, name in named]

    def _play(self, shops: list[Shop], month: date, payments: int, threads: int) -> None:
        outcomes: list[str] = []
        for number, day in enumerate(SHOPPING_DAYS):
            stage.move_clock(datetime.combine(month + timedelta(days=day - 1), datetime.min.time(), UTC) + timedelta(hours=10))
            release_funds(due=month + timedelta(days=day - 1))
            serials = range(payments * number // len(SHOPPING_DAYS), payments * (number + 1) // len(SHOPPING_DAYS))
            with ThreadPoolExecutor(threads) as pool:
                for outcome in pool.map(lambda serial: shoppers.visit(shops[serial % 3 // 2], serial), serials):
                    outcomes.append(outcome)
                    self._progress(len(outcomes), payments, f"{month + timedelta(days=day - 1):%d %b}")
            outcomes.append(shoppers.settle_between(shops, day))
            stage.settle(month + timedelta(days=day - 1))
        self.stdout.write(f"\n  {shoppers.tally(outcomes)}")

    def _progress(self, done: int, of: int, day: str) -> None:
        filled = min(30, 30 * done // max(of, 1))
        sys.stdout.write(f"\r  {day}  [{'#' * filled}{'.' * (30 - filled)}] {min(done, of)}/{of}")
        sys.stdout.flush()

    def _close(self, month: date) -> None:
        last = stage.next_month(month) - timedelta(days=1)
        stage.move_clock(datetime.combine(last, datetime.min.time(), UTC) + timedelta(hours=23))
        stage.settle(last)
        release_funds(due=last)
        stage.wait_until_drained(60)
        self.stdout.write(self.style.MIGRATE_HEADING("Reconciliation with the acquirer's files and the bank's"))
        call_command("reconcile", collect=True, stdout=self.stdout)
        stage.back_to_now(stage.next_month(month))
        release_funds(due=clock.today())
        self.stdout.write(self.style.MIGRATE_HEADING("Month end"))
        call_command("close_month", f"{month:%Y-%m}", stdout=self.stdout)

    def _show(self, month: date) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING("Trial balance"))
        call_command("trial_balance", "--month", f"{month:%Y-%m}", stdout=self.stdout)
        for path in statements.pdf_paths(month)[:1]:
            self.stdout.write(self.style.SUCCESS(f"A statement: {path}"))
