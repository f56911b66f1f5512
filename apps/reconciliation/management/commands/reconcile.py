"""`manage.py reconcile [--collect] [--file PATH …]`: takes files in, matches, says what came of it."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core.errors import FlorinError
from apps.reconciliation import flows, selectors, services
from apps.reconciliation.domain import ImportedFile, Matched

BY = "manage.py reconcile"


class Command(BaseCommand):
    help = "Imports settlement and bank files, matches what is open and lists what does not match."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--file", dest="paths", action="append", type=Path, default=[], metavar="PATH", help="import this file")
        parser.add_argument("--kind", choices=["settlement", "bank"], help="what the files are; by content if not given")
        parser.add_argument("--collect", action="store_true", help="fetch what the acquirer and the bank offer")

    def handle(self, *, paths: list[Path], kind: str | None, collect: bool, **_: Any) -> None:
        try:
            files = [self._import(path, kind) for path in paths]
            if collect:
                files += flows.collect(received_by=BY, progress=self._tell_file)
        except (OSError, FlorinError) as error:
            raise CommandError(str(error)) from None
        matched = services.match_open_lines(actor=BY, progress=self._tell_stage)
        self._summary(files, matched)
        refused = [file for file in files if file.status == "quarantined"]
        if refused:
            raise CommandError(f"{len(refused)} of {len(files)} files are in quarantine.", returncode=2)

    def _import(self, path: Path, kind: str | None) -> ImportedFile:
        done = services.import_file(data=path.read_bytes(), name=path.name, kind=kind, received_by=BY)
        self._tell_file(done)
        return done

    def _tell_file(self, file: ImportedFile) -> None:
        detail = file.error or f"{file.lines} lines, {file.duplicates} duplicates"
        self.stdout.write(f"{file.status:<12} {file.name}: {detail}")

    def _tell_stage(self, stage: str, done: Matched) -> None:
        """On a terminal one line that moves; elsewhere a line every 20 chunks."""
        text = f"{stage:<12} {done.looked} lines looked at, {done.groups} matched"
        if sys.stdout.isatty():
            self.stdout.write(f"\r{text}", ending="")
            self.stdout.flush()
        elif done.looked % 10_000 < services.CHUNK:
            self.stdout.write(text)

    def _summary(self, files: list[ImportedFile], matched: Matched) -> None:
        if sys.stdout.isatty():
            self.stdout.write("")
        rows = [
            ("files imported", sum(file.status == "imported" for file in files)),
            ("files that had come before", sum(file.status == "repeated" for file in files)),
            ("files in quarantine", sum(file.status == "quarantined" for file in files)),
            ("lines imported", sum(file.lines for file in files if file.status == "imported")),
            ("open lines looked at", matched.looked),
            ("matches made and posted", matched.groups),
            ("matches taken back", matched.reversed),
        ]
        rows += [(f"open breaks: {label}", count) for label, count in selectors.open_breaks_by_type()]
        for label, count in rows:
            self.stdout.write(f"{label:<44}{count:>10}")
