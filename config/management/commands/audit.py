"""Checks every promise that PostgreSQL can be asked about, at any time, in production too."""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from importlib import import_module, util
from typing import Any

from django.apps import apps
from django.core.management import BaseCommand

from apps.core.audit import Check


class Command(BaseCommand):
    help = "Audits the books and the work: prints each promise and whether it holds. --strict exits 1 on any failure."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--strict", action="store_true", help="exit 1 when anything is found, late work included")

    def handle(self, *args: Any, **options: Any) -> None:
        broken = sum(self._report(app, check, options["strict"]) for app, check in all_checks())
        self.stdout.write(self.style.ERROR(f"{broken} promises broken") if broken else self.style.SUCCESS("All promises hold."))
        if broken and options["strict"]:
            sys.exit(1)

    def _report(self, app: str, check: Check, strict: bool) -> int:
        began = time.perf_counter()
        offenders = check.offenders()
        took_ms = (time.perf_counter() - began) * 1000
        late_only = check.strict_only and not strict
        word = "ok" if not offenders else "late" if late_only else "BROKEN"
        self.stdout.write(f"{word:>7}  {app}: {check.name}  ({took_ms:.0f} ms)")
        for row in offenders:
            self.stdout.write("           " + ", ".join(f"{name}={value}" for name, value in row.items()))
        return int(bool(offenders) and not late_only)


def all_checks() -> Iterator[tuple[str, Check]]:
    """(app label, check) of every app that has an `audit` room."""
    for config in apps.get_app_configs():
        name = f"{config.name}.audit"
        if config.name.startswith("apps.") and util.find_spec(name):
            yield from ((config.label, check) for check in getattr(import_module(name), "CHECKS", ()))
