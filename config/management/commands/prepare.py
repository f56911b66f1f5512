"""Makes a database ready in one process: migrations, partitions, the beat schedule."""

from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, call_command
from django.db import connections

from apps.core import clock
from apps.core.services import as_owner, ensure_partitions, write_schedule
from config.schedule import POKES


class Command(BaseCommand):
    help = "Migrates as the database's owner, makes the next months' partitions and writes the beat schedule."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--database-only", action="store_true", help="leave the beat schedule alone")
        parser.add_argument("--write", type=Path, metavar="FILE", help="also seed the demo platform and write its keys into FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        with as_owner():
            call_command("migrate", interactive=False, verbosity=min(1, options["verbosity"]), stdout=self.stdout)
            ensure_partitions(since=clock.today() - timedelta(days=62), months=27)
        if not options["database_only"]:
            write_schedule({name: (poke.task, poke.every_s) for name, poke in POKES.items()})
        if options["write"]:
            call_command("seed_demo", write=options["write"], stdout=self.stdout)
        connections.close_all()
        self.stdout.write(self.style.SUCCESS(f"{settings.DATABASES['default']['NAME']} is ready"))
