import structlog
from celery import shared_task

from apps.reconciliation import flows, services
from apps.reconciliation.errors import SourceUnavailable

log = structlog.get_logger(__name__)


@shared_task(name="reconciliation.collect")
def collect() -> None:
    """New files are in and matched; done once a minute, however many beats poke."""
    if not services.claim_job(job="collect"):
        return
    try:
        flows.collect(received_by="collect")
    except SourceUnavailable as error:
        log.warning("files could not be fetched", reason=error.text)
    match()


@shared_task(name="reconciliation.match")
def match() -> None:
    """Everything open was looked at again."""
    services.match_open_lines(actor="machine")
