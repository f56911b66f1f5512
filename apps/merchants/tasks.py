"""Celery's side of merchants: what follows from events."""

from celery import shared_task

from apps.events.services import work_consequences
from apps.merchants import flows


@shared_task(name="merchants.tell_endpoint_disabled")
def tell_endpoint_disabled(consequence_ids: list[str]) -> int:
    """The merchants of these endpoints have been mailed; returns how many were."""
    return work_consequences(consequence_ids, flows.tell_endpoint_disabled)
