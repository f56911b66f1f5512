"""Celery's side of events. Every message says only "look at these ids"; the rows say what is due."""

from uuid import UUID

from celery import current_app, shared_task

from apps.events import flows, services
from apps.events.services import Work

MOST_IDS = 100


@shared_task(name="events.deliver")
def deliver(endpoint_id: str, delivery_ids: list[str]) -> int:
    """The endpoint's due deliveries have been tried; returns how many."""
    return flows.deliver(UUID(endpoint_id), delivery_ids)


@shared_task(name="events.sweep")
def sweep() -> int:
    """Workers have heard of everything that is due and of which none had heard; returns how much."""
    total = 0
    while (work := services.sweep_batch(batch=500)).found:
        poke(work)
        total += work.found
    return total


def poke(work: Work) -> None:
    """Tells workers of the work, a hundred ids a message. What gets lost is swept 45 s later."""
    for endpoint_id, ids in work.deliveries.items():
        for start in range(0, len(ids), MOST_IDS):
            deliver.delay(endpoint_id, ids[start : start + MOST_IDS])
    for task, ids in work.consequences.items():
        for start in range(0, len(ids), MOST_IDS):
            current_app.send_task(task, [ids[start : start + MOST_IDS]])
