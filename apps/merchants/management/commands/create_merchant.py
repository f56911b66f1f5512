from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.core import ids
from apps.merchants import services


class Command(BaseCommand):
    help = "Creates a merchant with a test key and a live key, and prints them once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--email", required=True)
        parser.add_argument("--country", required=True, help="two-letter ISO 3166 code")
        parser.add_argument("--currency", required=True, help="three-letter ISO 4217 code, lower case")
        parser.add_argument("--legal-name", default="")
        parser.add_argument("--plan", default=services.DEFAULT_PLAN)

    def handle(self, *args: Any, **options: Any) -> None:
        merchant = services.create_merchant(
            name=options["name"],
            legal_name=options["legal_name"],
            email=options["email"],
            country=options["country"],
            default_currency=options["currency"],
            plan=options["plan"],
        )
        self.stdout.write(f"account   {ids.encode('acct', merchant.id)}")
        for livemode in (False, True):
            _, secret = services.issue_key(merchant_id=merchant.id, livemode=livemode)
            self.stdout.write(f"{'live' if livemode else 'test'} key  {secret}")
        self.stdout.write("The keys are not shown again.")
