"""Sends an event again: `manage.py replay_event evt_… [--endpoint we_…]`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from apps.core import ids
from apps.core.errors import FlorinError
from apps.events import services


class Command(BaseCommand):
    help = "Makes an event due again for the endpoints that had it or want it now, or for one endpoint alone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("event", help="evt_…")
        parser.add_argument("--endpoint", help="we_…")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            endpoint = ids.decode("we", options["endpoint"], "endpoint") if options["endpoint"] else None
            found = services.replay(event_id=ids.decode("evt", options["event"], "event"), endpoint_id=endpoint)
        except FlorinError as error:
            raise CommandError(error.text) from None
        for endpoint_id in found:
            self.stdout.write(f"due again for {ids.encode('we', endpoint_id)}")
        if not found:
            self.stdout.write("no endpoint had this event or wants it")
