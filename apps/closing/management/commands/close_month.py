"""Closes a month by hand, as beat does, with progress."""

import time
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management import BaseCommand, CommandError
from kombu.exceptions import OperationalError

from apps.closing import domain, selectors, services
from apps.closing.models import Run
from apps.closing.services import Progress
from apps.core import ids
from apps.core.errors import FlorinError
from apps.core.money import format_money
from apps.statements import selectors as statements
from apps.statements import services as statement_services
from apps.statements import tasks as statement_tasks

# Without a statement made for so long, the command makes them itself.
PATIENCE_S = 10.0
_BAR = 30
_LISTED = 20


class Command(BaseCommand):
    help = "Closes a month: cut-off, trial balance, lock, a statement for every account. Run it again to go on after a crash."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("month", help="YYYY-MM")
        parser.add_argument("--inline", action="store_true", help="make the statements in this process instead of waiting for Celery's")
        parser.add_argument("--with-earlier", action="store_true", help="close earlier months that have entries and are open, in order")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            month = domain.parse_month(options["month"])
        except ValueError:
            raise CommandError("The month is written YYYY-MM, for example 2026-10.") from None
        self.inline: bool = options["inline"]
        for each in selectors.months_to_close(month) if options["with_earlier"] else [month]:
            self._close(each)

    def _close(self, month: date) -> None:
        if selectors.is_closed(month):
            self.stdout.write(f"{month:%B %Y} is already closed.")
            self._list(month)
            return
        try:
            run = services.close_month(month, by="command line")
        except FlorinError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(self.style.MIGRATE_HEADING(f"Closing {month:%B %Y}"))
        self._advance(run)
        self._list(month)

    def _advance(self, run: Run) -> None:
        self.handed_over, self.done, self.moved_at = False, 0, time.monotonic()
        while (progress := services.advance(run)).outcome != "closed":
            if progress.outcome == "blocked":
                raise CommandError(f"{run.month:%B %Y} is blocked: {progress.reason}")
            if progress.outcome == "advanced":
                self._bar(progress)
            else:
                self._wait(run, progress)
        self._bar(progress)

    def _wait(self, run: Run, progress: Progress) -> None:
        self._bar(progress)
        if progress.done > self.done:
            self.done, self.moved_at = progress.done, time.monotonic()
        if progress.outcome == "held":
            time.sleep(0.2)
        elif self._nobody_else_does_it():
            tried = statement_services.work_off(work_ids=statements.work_to_do(month=run.month, limit=20))
            time.sleep(0 if tried else 0.5)
        elif not self.handed_over:
            self._hand_over(run)
        else:
            time.sleep(0.2)

    def _nobody_else_does_it(self) -> bool:
        if not self.inline and time.monotonic() - self.moved_at > PATIENCE_S:
            self.stdout.write("\n  No worker makes statements: they are made here.")
            self.inline = True
        return self.inline

    def _hand_over(self, run: Run) -> None:
        try:
            statement_tasks.poke(statements.work_to_do(month=run.month))
            self.handed_over = True
        except OperationalError:
            self.stdout.write("\n  The broker does not answer: the statements are made here.")
            self.inline = True

    def _bar(self, progress: Progress) -> None:
        if progress.outcome == "held":
            return
        filled = _BAR * progress.done // max(progress.total, 1)
        ending = "" if progress.outcome == "waiting" else "\n"
        bar = f"[{'#' * filled}{'.' * (_BAR - filled)}]"
        self.stdout.write(f"\r  {domain.TITLES[progress.step]:<30} {bar} {progress.done}/{progress.total}", ending=ending)
        self.stdout.flush()

    def _list(self, month: date) -> None:
        issued = statements.issued_in(month)
        self.stdout.write(self.style.SUCCESS(f"{month:%B %Y}: {len(issued)} statements"))
        for statement in issued[:_LISTED]:
            account = ids.encode("acct", statement["merchant_id"])
            closing = format_money(statement["closing"], statement["currency"])
            self.stdout.write(
                f"  {statement['number']:<18} {account}  {statement['currency']}  {statement['lines']:>6} lines  closing {closing}"
            )
        if len(issued) > _LISTED:
            self.stdout.write(f"  and {len(issued) - _LISTED} more")
