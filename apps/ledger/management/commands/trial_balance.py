"""Prints the trial balance; exits 1 when the books do not balance."""

from argparse import ArgumentParser
from datetime import date, datetime
from typing import Any

from django.core.management import BaseCommand, CommandError

from apps.ledger import selectors
from apps.ledger.renderers import trial_balance


def month(text: str) -> date:
    """The first day of a month given as YYYY-MM."""
    try:
        return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a month has no zone
    except ValueError:
        raise CommandError(f"{text!r} is not a month: write it as YYYY-MM") from None


def add_choices(parser: ArgumentParser) -> None:
    """--month and --live or --test, which several commands take."""
    parser.add_argument("--month", type=month, help="YYYY-MM; without it, all time")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--live", dest="livemode", action="store_const", const=True, help="live money only")
    mode.add_argument("--test", dest="livemode", action="store_const", const=False, help="test money only")


class Command(BaseCommand):
    help = "Debits, credits and balances of every account, per mode and currency."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_choices(parser)

    def handle(self, *args: Any, month: date | None, livemode: bool | None, **options: Any) -> None:
        rows = [row for row in selectors.trial_balance(month=month) if livemode in (None, row["livemode"])]
        for line in trial_balance.render(rows):
            self.stdout.write(line)
        off = trial_balance.unbalanced(rows)
        if off:
            raise CommandError(f"The books do not balance: {', '.join(off)}")
