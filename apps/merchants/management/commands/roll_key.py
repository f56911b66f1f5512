from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.core import ids
from apps.merchants import services


class Command(BaseCommand):
    help = "Replaces an API key by a new one with the same rights; the old one works a while longer."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", help="key_…")
        parser.add_argument("--overlap-hours", type=int, default=24, help="how long the old key goes on working (default 24)")

    def handle(self, *args: Any, **options: Any) -> None:
        old = ids.decode("key", options["key"], param="key")
        key_id, secret = services.roll_key(key_id=old, overlap=timedelta(hours=options["overlap_hours"]))
        self.stdout.write(f"{ids.encode('key', key_id)}  {secret}")
        self.stdout.write(f"The new key is not shown again; the old one works for {options['overlap_hours']} h.")
