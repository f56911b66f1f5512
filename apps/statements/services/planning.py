"""Which statements a month needs."""

from datetime import date

from django.db.models.functions import Now

from apps.core import ids
from apps.statements import selectors
from apps.statements.models import Work


def plan(*, month: date) -> int:
    """Every merchant account that existed by the end of `month` has its piece of work; returns how many
    there are. Planning again adds what is missing and changes nothing else."""
    accounts = selectors.accounts_at_end_of(month)
    work = [
        Work(id=ids.new_id(), month=month, merchant_id=merchant, livemode=live, currency=currency) for merchant, live, currency in accounts
    ]
    Work.objects.bulk_create(work, batch_size=1000, ignore_conflicts=True)
    return len(work)


def retry_parked(*, month: date) -> int:
    """What was given up in `month` is tried again from now; returns how many."""
    parked = Work.objects.filter(month=month, state="parked")
    return parked.update(state="pending", attempts=0, finished_at=None, next_attempt_at=Now(), last_error="")
