"""Writes the journal for other programs, entry by entry: memory does not grow with the books."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, TextIO

from django.core.management import BaseCommand

from apps.ledger import selectors
from apps.ledger.management.commands.trial_balance import add_choices
from apps.ledger.renderers import FORMATS


class Command(BaseCommand):
    help = "Exports the journal for hledger, beancount or a spreadsheet."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_choices(parser)
        parser.add_argument("--format", choices=sorted(FORMATS), required=True)
        parser.add_argument("-o", "--output", default="-", help="a file; - for standard output")

    def handle(self, *args: Any, month: date | None, livemode: bool | None, **options: Any) -> None:
        render = FORMATS[options["format"]]
        with _opened(options["output"]) as out:
            for text in render(selectors.accounts(livemode=livemode), selectors.entries(month=month, livemode=livemode)):
                out.write(text)


@contextmanager
def _opened(name: str) -> Iterator[TextIO]:
    if name == "-":
        yield sys.stdout
        return
    with open(name, "w", encoding="utf-8", newline="") as file:
        yield file
