"""A run from its start to its end.

Whoever advances a run holds its row until the step is committed: two closers cannot work on one run,
and one that dies leaves nothing but the steps that are done. Each step can be done again without a
further effect, so a run that was cut off anywhere is simply advanced again.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction
from django.db.models.functions import Now

from apps.closing import domain, selectors
from apps.closing.errors import CloseBlocked, EarlierMonthOpen, MonthNotOver
from apps.closing.models import Run, Step
from apps.closing.services import steps
from apps.core import clock
from apps.statements import services as statements


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a run stands. `outcome`: `advanced` (a step was done), `waiting` (for statements), `held`
    (another closer works on it), `blocked` or `closed`."""

    outcome: str
    step: str = ""
    done: int = 0
    total: int = 0
    reason: str = ""


def close_month(month: date, *, by: str) -> Run:
    """There is a run that closes the month: a new one, or the one that is under way or done; one that
    was blocked is tried again.

    Locks: the run. Raises: MonthNotOver, EarlierMonthOpen.
    """
    found = selectors.run_of(month)
    if found is not None and found.state == "closed":
        return found
    _must_be_over(month)
    _must_be_next(month)
    with transaction.atomic():
        run, new = Run.objects.get_or_create(month=month, defaults={"requested_by": by})
        if new:
            Step.objects.bulk_create(Step(run=run, position=position, name=name) for position, name in enumerate(domain.STEPS, 1))
        elif run.state == "blocked":
            _unblock(run)
    return run


def _must_be_over(month: date) -> None:
    today = clock.today()
    if not domain.is_over(month, today=today):
        last_day = domain.next_month(month) - timedelta(days=1)
        raise MonthNotOver(month=f"{month:%Y-%m}", last_day=last_day.isoformat(), today=today.isoformat())


def _must_be_next(month: date) -> None:
    earlier = selectors.months_to_close(month)[0]
    if earlier != month:
        raise EarlierMonthOpen(earlier=f"{earlier:%Y-%m}")


def _unblock(run: Run) -> None:
    Run.objects.filter(id=run.id, state="blocked").update(state="running", blocked_by="")
    Step.objects.filter(run=run, state="blocked").update(state="pending")
    statements.retry_parked(month=run.month)


def advance(run: Run) -> Progress:
    """The next step of the run is done, or the run says what it waits for. Call it again, outside any
    transaction, until the outcome is `closed` or `blocked`.

    Locks: the run; then what its step locks (the month, alone, while it is cut off or locked).
    """
    with transaction.atomic(durable=True):
        mine = Run.objects.select_for_update(no_key=True, skip_locked=True).filter(id=run.id).first()
        if mine is None:
            return Progress(outcome="held")
        if mine.state in ("closed", "blocked"):
            return Progress(outcome=mine.state, reason=mine.blocked_by)
        return _do(mine, mine.steps.exclude(state="done").order_by("position")[0])


def _do(run: Run, step: Step) -> Progress:
    try:
        result = steps.WORK[step.name](run.month)
    except CloseBlocked as error:
        return _block(run, step, error)
    finished = result.done == result.total
    _record(step, result, state="done" if finished else "running")
    if not finished:
        return Progress(outcome="waiting", step=step.name, done=result.done, total=result.total)
    state = domain.STEPS[step.name]
    Run.objects.filter(id=run.id).update(state=state, finished_at=Now() if state == "closed" else None)
    return Progress(outcome="closed" if state == "closed" else "advanced", step=step.name, done=result.done, total=result.total)


def _block(run: Run, step: Step, error: CloseBlocked) -> Progress:
    _record(step, steps.Result(evidence=error.evidence), state="blocked")
    Run.objects.filter(id=run.id).update(state="blocked", blocked_by=str(error)[:1000])
    return Progress(outcome="blocked", step=step.name, reason=str(error))


def _record(step: Step, result: steps.Result, *, state: str) -> None:
    Step.objects.filter(id=step.id).update(
        state=state,
        attempts=step.attempts + 1,
        done=result.done,
        total=result.total,
        evidence=result.evidence,
        started_at=step.started_at or Now(),
        finished_at=Now() if state == "done" else None,
    )
