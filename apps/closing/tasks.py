"""Beat closes the month. A poke does as much as can be done at once; the next one goes on."""

from celery import shared_task

from apps.closing import selectors, services
from apps.statements import selectors as statements
from apps.statements import tasks as statement_tasks


@shared_task(name="closing.close_due_month")
def close_due_month() -> str:
    """The month that should be closed by now is closed, or as far on the way as its statements are."""
    month = selectors.due_month()
    if month is None:
        return "nothing to close"
    run = services.close_month(month, by="schedule")
    while (progress := services.advance(run)).outcome == "advanced":
        continue
    if progress.outcome == "waiting":
        statement_tasks.poke(statements.work_to_do(month=month))
    return f"{month:%Y-%m}: {progress.outcome}"
