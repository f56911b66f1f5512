"""Celery's side of payments: beat pokes, the rows say what is due."""

from celery import shared_task

from apps.core import clock
from apps.events.services import work_consequences
from apps.payments import flows, services


@shared_task(name="payments.recover_unknown")
def recover_unknown() -> int:
    """Every payment whose look at the gateway is due was looked at once; returns how many."""
    return flows.recover_due()


@shared_task(name="payments.release_funds")
def release_funds() -> int:
    """What is due today is available; returns how many payments' funds moved."""
    return services.release_funds(due=clock.today())


@shared_task(name="payments.send_receipts")
def send_receipts(consequence_ids: list[str]) -> int:
    """The customers of these charges have their receipts, if they gave an address."""
    return work_consequences(consequence_ids, flows.send_receipt)
