"""What throws switches. Every change says who and why; the database writes the history."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from apps.core import db
from apps.core.errors import InvalidRequest
from apps.cutover import selectors
from apps.cutover.domain import CLASSIC, ENDPOINTS, EVERY, HOT
from apps.cutover.models import Change, Outcome, Switch
from apps.merchants import selectors as merchants

AUTOMATIC = "automatic"
_KEPT = timedelta(seconds=selectors.KEPT_S)
_MAX_REASON = 500
_PERCENT = {HOT: 100, CLASSIC: 0}

log = structlog.get_logger(__name__)


class Overtaken(Exception):
    """Somebody has thrown the same switches since they were looked at; `changes`: how, the latest first."""

    def __init__(self, changes: list[Change]) -> None:
        self.changes = changes
        super().__init__(len(changes))


def throw(
    *, endpoint: str, hot_percent: int | None, actor: str, reason: str, merchant_id: UUID | None = None, seen: int | None = None
) -> bool:
    """From now on, everywhere within a second, `hot_percent` of the requests to `endpoint` (or EVERY) go
    hot; None: as the less specific switch says. Whether that was a change. `seen`: the latest change that whoever
    decided this knew of; None: whatever others did.
    Locks: the version of the switches.  Raises: InvalidRequest, NotFound, Overtaken."""
    refuse_unknown(endpoint)
    if hot_percent is not None and not 0 <= hot_percent <= 100:
        raise InvalidRequest(param="percent", reason="it must be between 0 and 100.")
    if merchant_id is not None:
        merchants.merchant(merchant_id)
    with _changing(reason):
        _refuse_overtaken(endpoint, merchant_id, seen)
        return _put(selectors.switch(endpoint, merchant_id), actor, reason, hot_percent=hot_percent)


def limit(*, endpoint: str, actor: str, reason: str, seen: int | None = None, **thresholds: Any) -> bool:
    """The endpoint is turned classic by itself above these thresholds (see Switch); whether that was a
    change. `seen` as in `throw`.  Locks: the version of the switches.  Raises: InvalidRequest, Overtaken."""
    refuse_unknown(endpoint)
    if endpoint == EVERY:
        raise InvalidRequest(param="endpoint", reason="thresholds belong to one endpoint.")
    for name, value in thresholds.items():
        _refuse_threshold(name, value)
    with _changing(reason):
        _refuse_overtaken(endpoint, None, seen)
        return _put(selectors.switch(endpoint), actor, reason, **thresholds)


def roll_back(*, to: str, actor: str, reason: str, endpoint: str = EVERY, seen: int | None = None) -> int:
    """All requests to `endpoint`, or to all of them, go hot or all go classic, whatever else was said for
    single endpoints and merchants. How many switches that took. `seen` as in `throw`.
    Locks: the version of the switches.  Raises: InvalidRequest, Overtaken."""
    refuse_unknown(endpoint)
    with _changing(reason):
        _refuse_overtaken(endpoint, None, seen)
        return _move(endpoint, _PERCENT[to], actor, reason)


def roll_back_where_due() -> list[str]:
    """Endpoints that fail or differ too often are classic; which ones were turned now. Nothing ever turns
    them hot again but a person.  Locks: the version of the switches."""
    Outcome.objects.filter(at__lt=Now() - _KEPT).delete()
    return [endpoint for endpoint in ENDPOINTS if selectors.complaint(endpoint) and _turned_classic(endpoint)]


def _turned_classic(endpoint: str) -> bool:
    with _changing(AUTOMATIC):
        # Somebody may have thrown the switch meanwhile, and it deserves its chance.
        complaint = selectors.complaint(endpoint)
        turned = bool(complaint) and _move(endpoint, 0, AUTOMATIC, f"automatic: {complaint}") > 0
    if turned:
        log.error("cutover.rolled_back", endpoint=endpoint, reason=complaint)
    return turned


def refuse_unknown(endpoint: str) -> None:
    """Raises InvalidRequest, with the names there are, for what is no endpoint."""
    if endpoint != EVERY and endpoint not in ENDPOINTS:
        raise InvalidRequest(param="endpoint", reason=f"there is no {endpoint!r}. There are: {', '.join(ENDPOINTS)}, and {EVERY} for all.")


@contextmanager
def _changing(reason: str) -> Iterator[None]:
    """A transaction in which nobody else changes a switch."""
    if not reason.strip() or len(reason) > _MAX_REASON:
        raise InvalidRequest(param="reason", reason=f"say why, in at most {_MAX_REASON} characters.")
    with transaction.atomic(durable=True):
        db.query("SELECT version FROM cutover_version FOR NO KEY UPDATE")
        yield


def _refuse_overtaken(endpoint: str, merchant_id: UUID | None, seen: int | None) -> None:
    """Changes are numbered in the order of their commits: each holds the version until then."""
    changes = [] if seen is None else selectors.changes_since(seen, endpoint, merchant_id)
    if changes:
        raise Overtaken(changes)


def _move(endpoint: str, percent: int, actor: str, reason: str) -> int:
    moved = Q() if endpoint == EVERY else Q(endpoint=endpoint)
    others = Switch.objects.filter(moved).exclude(Q(hot_percent=None) | Q(endpoint=endpoint, merchant_id=None)).order_by("id")
    return sum(_put(switch, actor, reason, hot_percent=percent) for switch in [selectors.switch(endpoint), *others])


def _put(switch: Switch, actor: str, reason: str, **values: Any) -> bool:
    """The switch has these values; whether it had others."""
    if all(getattr(switch, name) == value for name, value in values.items()):
        return False
    for name, value in values.items():
        setattr(switch, name, value)
    switch.changed_by, switch.reason = actor, reason.strip()
    switch.changed_at = Now()  # the database's own, when it is saved
    switch.save()
    log.warning("cutover.thrown", switch=str(switch), actor=actor, reason=reason, **{name: str(value) for name, value in values.items()})
    return True


def _refuse_threshold(name: str, value: Any) -> None:
    if name.startswith("max_"):
        fine = value is None or 0 <= Decimal(value) <= 100
    else:
        fine = isinstance(value, int) and value >= 1 and (name != "window_s" or 5 <= value <= 3600)
    if not fine:
        raise InvalidRequest(param=name, reason="percentages are between 0 and 100, numbers at least 1, and the window 5 to 3600 seconds.")
