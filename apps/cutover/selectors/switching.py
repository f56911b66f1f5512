"""Questions about switches and about how their endpoints do."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Max, Q, Sum
from django.db.models.functions import Now

from apps.core import db
from apps.cutover import domain
from apps.cutover.domain import EVERY, HOT, Rule, Seen, Thresholds
from apps.cutover.models import Change, Outcome, Switch
from apps.cutover.selectors.shadow import differences, mostly_in
from apps.merchants.models import Merchant

# Differences are rarer than failures and are looked for in a sample only.
DIFFERENCES_S = 3600
_THRESHOLDS = ("max_error_percent", "min_requests", "window_s", "max_difference_percent", "min_compared")


def rules() -> list[Rule]:
    """Everything that is switched, the general before the particular."""
    return [Rule(found.endpoint, found.merchant_id, found.hot_percent) for found in switches() if found.hot_percent is not None]


def switches(endpoint: str | None = None) -> list[Switch]:
    """The switches of an endpoint, or all; the general before the particular."""
    found = Switch.objects.all() if endpoint is None else Switch.objects.filter(endpoint=endpoint)
    return sorted(found, key=lambda switch: (switch.endpoint, switch.merchant_id is not None, str(switch.merchant_id)))


def switch(endpoint: str, merchant_id: UUID | None = None) -> Switch:
    """The switch as it is; a new one that says nothing where there is none."""
    found = Switch.objects.filter(endpoint=endpoint, merchant_id=merchant_id).first()
    return found or Switch(endpoint=endpoint, merchant_id=merchant_id)


def thresholds(endpoint: str) -> Thresholds:
    """When this endpoint is turned classic by itself."""
    found = switch(endpoint)
    return Thresholds(**{name: getattr(found, name) for name in _THRESHOLDS})


def complaint(endpoint: str) -> str | None:
    """Why this endpoint may not stay hot, by what happened since it was last switched."""
    allowed = thresholds(endpoint)
    seen = outcomes(endpoint, HOT, allowed.window_s)
    from_then_on = since(endpoint)
    compared, differing = differences(endpoint, from_then_on)
    mostly = mostly_in(endpoint, from_then_on) if differing else ""
    return domain.complaint(allowed, Seen(*seen, compared, differing, mostly))


def outcomes(endpoint: str, path: str, seconds: int) -> tuple[int, int]:
    """(requests, failures) of the last seconds, after the endpoint was last switched."""
    found = Outcome.objects.filter(endpoint=endpoint, path=path, at__gt=Now() - timedelta(seconds=seconds))
    switched = _switched_at(endpoint)
    if switched is not None:
        found = found.filter(at__gte=switched)
    counted = found.aggregate(requests=Sum("requests"), failures=Sum("failures"))
    return counted["requests"] or 0, counted["failures"] or 0


def changes(limit: int) -> list[Change]:
    """The latest changes."""
    return list(Change.objects.order_by("-id")[:limit])


def merchant_names(ids: Iterable[UUID]) -> dict[UUID, str]:
    """What the merchants are called."""
    return dict(Merchant.objects.filter(id__in=set(ids)).values_list("id", "name"))


def _switched_at(endpoint: str) -> datetime | None:
    """When the endpoint, or all of them, were last switched for anybody."""
    found = Switch.objects.filter(Q(endpoint=endpoint) | Q(endpoint=EVERY))
    last: datetime | None = found.aggregate(last=Max("changed_at"))["last"]
    return last


def since(endpoint: str) -> datetime:
    """From when on differences count against the endpoint: an hour ago, or when it was last switched."""
    hour_ago: datetime = db.query("SELECT clock_timestamp() - make_interval(secs => %s) AS at", [DIFFERENCES_S])[0]["at"]
    return max(hour_ago, _switched_at(endpoint) or hour_ago)
