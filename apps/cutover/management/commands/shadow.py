"""Shadow answers from the command line."""

import re
from argparse import ArgumentParser
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.cutover import selectors, services
from apps.cutover.domain import ENDPOINTS

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Command(BaseCommand):
    help = "Says how hot and classic answers compare, and sets how many are compared."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        summary = verbs.add_parser("summary", help="how many were compared, and how many differ")
        summary.add_argument("--since", default="24h", help="for example 90m, 24h or 7d; beyond two hours, whole hours")
        summary.add_argument("--endpoint", choices=ENDPOINTS)
        summary.add_argument("--strict", action="store_true", help="exit with 1 if any differ")
        rate = verbs.add_parser("rate", help="compare a share of an endpoint's hot requests")
        rate.add_argument("endpoint", choices=ENDPOINTS)
        rate.add_argument("percent")
        rate.add_argument("--by", default="command line")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == "rate":
            self._rate(options)
        else:
            self._summary(options)

    def _summary(self, options: dict[str, Any]) -> None:
        found = selectors.shadow_summary(since=selectors.ago(_period(options["since"])), endpoint=options["endpoint"])
        total = selectors.total(found)
        for one in found:
            self.stdout.write(f"{one.endpoint + ':':<26}{one.sentence}")
        self.stdout.write(f"{'total:':<26}{total.sentence}" if found else total.sentence)
        if options["strict"] and total.differing:
            raise CommandError(f"{total.differing} differ", returncode=1)

    def _rate(self, options: dict[str, Any]) -> None:
        try:
            percent = Decimal(options["percent"])
        except InvalidOperation:
            percent = Decimal(-1)
        if not percent.is_finite() or not 0 <= percent <= 100 or percent != round(percent, 3):
            raise CommandError(f"{options['percent']} is no percentage with at most three decimal places")
        services.set_shadow_rate(endpoint=options["endpoint"], percent=percent, by=options["by"])
        self.stdout.write(f"From the next five seconds on, {percent} % of {options['endpoint']} are compared.")


def _period(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,5})([mhd])", text)
    if found is None:
        raise CommandError(f"{text} is no period: say for example 90m, 24h or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
