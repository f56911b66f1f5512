"""Celery: JSON only, one task at a time per process, and the database as the judge of every claim.

The broker is not a store: it may lose or repeat any message. What must happen is a row in
PostgreSQL; a message only says "look at these ids". docs/reliability.md has the reasons.
"""

import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")

app = Celery("florin")
app.config_from_object("config.celery")
app.autodiscover_tasks()


@setup_logging.connect  # type: ignore[untyped-decorator]  # Celery's signals are not typed
def _keep_django_logging(**_: object) -> None:
    """Celery must not replace the log set-up that redacts secrets."""
