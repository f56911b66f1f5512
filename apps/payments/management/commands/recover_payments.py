"""Asks the gateways about payments whose outcome is unknown."""

from typing import Any

from django.core.management import BaseCommand

from apps.payments import flows


class Command(BaseCommand):
    help = "Looks once at every payment whose outcome is not known and whose look is due."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Looked at {flows.recover_due()} payments.")
