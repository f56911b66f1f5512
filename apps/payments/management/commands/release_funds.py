"""Makes money available whose day has come."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management import BaseCommand

from apps.core import clock
from apps.payments import services


class Command(BaseCommand):
    help = "Moves funds that are due from the merchants' pending to their available balances."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--day", type=date.fromisoformat, default=None, help="due on this day or before (default: today)")

    def handle(self, *args: Any, **options: Any) -> None:
        due = options["day"] or clock.today()
        self.stdout.write(f"Funds of {services.release_funds(due=due)} payments are available (due {due}).")
