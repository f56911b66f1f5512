"""Questions about month ends."""

from datetime import date

from django.conf import settings

from apps.closing import domain
from apps.closing.models import Run, Step
from apps.core import clock
from apps.ledger import selectors as ledger


def run_of(month: date) -> Run | None:
    """The run that closes the month, if one was started."""
    return Run.objects.filter(month=month).first()


def steps(run: Run) -> list[Step]:
    """The run's steps in order."""
    return list(run.steps.order_by("position"))


def is_closed(month: date) -> bool:
    """Whether the month's run is finished."""
    return Run.objects.filter(month=month, state="closed").exists()


def months_to_close(month: date) -> list[date]:
    """The months that must be closed for `month` to be closed, in order; the last one is `month`."""
    return [*ledger.open_months_with_entries(before=month), month]


def due_month() -> date | None:
    """The oldest month that should have been closed by now by itself and is not; None: none, or a run
    waits for somebody to look at it. A ledger that was empty then has no month to close."""
    today = clock.today()
    month = domain.last_month(today)
    if not ledger.has_entries(before=today.replace(day=1)):
        return None
    if today < domain.due_on(month, working_day=settings.CLOSE_WORKING_DAY) or is_closed(month):
        return None
    oldest = months_to_close(month)[0]
    run = run_of(oldest)
    return None if run is not None and run.state == "blocked" else oldest
