from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.core import ids
from apps.merchants import services


class Command(BaseCommand):
    help = "Issues an API key to a merchant and prints it once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", help="acct_…")
        parser.add_argument("--live", action="store_true", help="a live key (default: a test key)")
        parser.add_argument("--scope", action="append", default=[], help="restricts the key, e.g. payments:read; may be repeated")

    def handle(self, *args: Any, **options: Any) -> None:
        merchant_id = ids.decode("acct", options["account"], param="account")
        key_id, secret = services.issue_key(merchant_id=merchant_id, livemode=options["live"], scopes=options["scope"])
        self.stdout.write(f"{ids.encode('key', key_id)}  {secret}")
        self.stdout.write("The key is not shown again.")
