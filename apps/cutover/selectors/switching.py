"""Questions about switches and about how their endpoints do."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Max, Q

from apps.core import db
from apps.cutover import domain
from apps.cutover.domain import EVERY, HOT, Rule, Seen, Thresholds
from apps.cutover.models import Change, Switch
from apps.cutover.selectors.shadow import differences, mostly_in
from apps.merchants.models import Merchant

# Differences are rarer than failures and are looked for in a sample only.
DIFFERENCES_S = 3600
# How long counts are kept: an endpoint with little traffic is judged by this much of it.
KEPT_S = 3600
_NAMED = 5
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
    requests, failures, seconds = outcomes(endpoint, HOT, allowed.window_s, allowed.min_requests)
    from_then_on = since(endpoint)
    compared, differing = differences(endpoint, from_then_on)
    mostly = mostly_in(endpoint, from_then_on) if differing else ""
    return domain.complaint(allowed, Seen(requests, failures, seconds, compared, differing, mostly))


def outcomes(endpoint: str, path: str, seconds: int, least: int = 0) -> tuple[int, int, int]:
    """(requests, failures, within how many seconds) of the last `seconds`, after the endpoint was last
    switched; where these are fewer than `least`, of as much of the last hour as it takes."""
    found = db.query(
        "SELECT coalesce(sum(requests), 0)::bigint AS requests, coalesce(sum(failures), 0)::bigint AS failures,"
        " greatest(%(seconds)s, ceil(extract(epoch FROM clock_timestamp() - min(at))))::int AS seconds"
        " FROM (SELECT at, requests, failures, sum(requests) OVER (ORDER BY at DESC) - requests AS later FROM cutover_outcome"
        " WHERE endpoint = %(endpoint)s AND path = %(path)s AND at > clock_timestamp() - make_interval(secs => %(most)s)"
        " AND at >= coalesce(%(switched)s::timestamptz, '-infinity')) latest"
        " WHERE at > clock_timestamp() - make_interval(secs => %(seconds)s) OR later < %(least)s",
        {"endpoint": endpoint, "path": path, "seconds": seconds, "least": least, "most": KEPT_S, "switched": _switched_at(endpoint)},
    )[0]
    return found["requests"], found["failures"], found["seconds"]


def changes(limit: int) -> list[Change]:
    """The latest changes."""
    return list(Change.objects.order_by("-id")[:limit])


def latest_change() -> int:
    """The number of the latest change; 0 before there is one."""
    return Change.objects.aggregate(latest=Max("id"))["latest"] or 0


def changes_since(seen: int, endpoint: str, merchant_id: UUID | None) -> list[Change]:
    """Changes after the one numbered `seen` that had a say in what such a switch decides, the latest first."""
    found = Change.objects.filter(id__gt=seen).filter(Q(merchant_id=None) | Q(merchant_id=merchant_id))
    found = found if endpoint == EVERY else found.filter(endpoint__in=(endpoint, EVERY))
    return list(found.order_by("-id"))


def out_of_reach(endpoint: str, merchant_id: UUID | None) -> list[Switch]:
    """More specific switches that go on to send requests another way than this one says."""
    decided = switch(endpoint, merchant_id).hot_percent
    others = [one for one in switches() if one.hot_percent not in (None, decided) and decided is not None]
    return [one for one in others if _is_more_specific(one, endpoint, merchant_id)]


def said_of(apart: list[Switch]) -> str:
    """What somebody should know who has thrown a switch that these do not follow."""
    named = ", ".join(f"{one} ({one.goes})" for one in apart[:_NAMED])
    more = f" and {len(apart) - _NAMED} more" if len(apart) > _NAMED else ""
    return f"Not reached, because they have a switch of their own: {named}{more}."


def _is_more_specific(one: Switch, endpoint: str, merchant_id: UUID | None) -> bool:
    """Whether `one` decides instead of the switch of `endpoint` and `merchant_id` for some of its requests."""
    if endpoint != EVERY:
        return merchant_id is None and one.endpoint == endpoint and one.merchant_id is not None
    if merchant_id is None:
        return (one.endpoint, one.merchant_id) != (EVERY, None)
    return one.endpoint != EVERY and one.merchant_id in (None, merchant_id)


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
