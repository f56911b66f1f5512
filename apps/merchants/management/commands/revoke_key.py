from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.core import ids
from apps.merchants import services


class Command(BaseCommand):
    help = "Revokes an API key; it works nowhere any more within a second."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", help="key_…")

    def handle(self, *args: Any, **options: Any) -> None:
        services.revoke_key(key_id=ids.decode("key", options["key"], param="key"))
        self.stdout.write(f"{options['key']} is revoked.")
