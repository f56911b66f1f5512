"""How every endpoint stands, on one screen."""

from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import Sum
from django.db.models.functions import Now

from apps.core.ids import encode
from apps.cutover.domain import CLASSIC, ENDPOINTS, EVERY, HOT, Rule, plans
from apps.cutover.models import Outcome, Switch
from apps.cutover.selectors import switching
from apps.cutover.selectors.shadow import differences

SECONDS = 300


@dataclass(frozen=True)
class Counted:
    """What one path of an endpoint has answered lately."""

    requests: int = 0
    failures: int = 0

    @property
    def failed(self) -> str:
        """As a share."""
        return f"{100 * self.failures / self.requests:.1f} %" if self.requests else "–"


@dataclass(frozen=True)
class Standing:
    """`percent` of the endpoint's requests go hot, but for merchants of their own; `decided_by` is the
    switch that says so, None if there never was one."""

    endpoint: str
    percent: int
    decided_by: Switch | None
    apart: int
    hot: Counted
    classic: Counted
    compared: int
    differing: int

    @property
    def is_own(self) -> bool:
        """Whether the endpoint's own switch decides, not the one for all endpoints."""
        return self.decided_by is not None and self.decided_by.endpoint == self.endpoint

    @property
    def is_automatic(self) -> bool:
        return self.decided_by is not None and self.decided_by.changed_by == "automatic" and self.percent == 0


@dataclass(frozen=True)
class Apart:
    """A merchant's own switch."""

    switch: Switch
    account: str
    name: str


@dataclass(frozen=True)
class Screen:
    standings: list[Standing] = field(default_factory=list)
    apart: list[Apart] = field(default_factory=list)


def screen() -> Screen:
    """Every endpoint as it stands, and every merchant with a switch of its own."""
    switches = switching.switches()
    said = [switch for switch in switches if switch.hot_percent is not None]
    alone = [switch for switch in said if switch.merchant_id is not None]
    names = switching.merchant_names([switch.merchant_id for switch in alone if switch.merchant_id])
    rows = [Apart(one, encode("acct", one.merchant_id), names.get(one.merchant_id, "")) for one in alone if one.merchant_id]
    return Screen(_standings(said), rows)


def turned_by_itself() -> list[Standing]:
    """Endpoints that were turned classic automatically and that nobody has looked after."""
    if not Switch.objects.filter(changed_by="automatic", hot_percent=0).exists():
        return []
    return [standing for standing in screen().standings if standing.is_automatic]


def _standings(said: list[Switch]) -> list[Standing]:
    now = plans([Rule(switch.endpoint, switch.merchant_id, switch.hot_percent or 0) for switch in said])
    general = {switch.endpoint: switch for switch in said if switch.merchant_id is None}
    counted = _counted()
    return [
        Standing(
            endpoint,
            now[endpoint].others,
            general.get(endpoint) or general.get(EVERY),
            len(now[endpoint].merchants),
            counted.get((endpoint, HOT), Counted()),
            counted.get((endpoint, CLASSIC), Counted()),
            *differences(endpoint, switching.since(endpoint)),
        )
        for endpoint in ENDPOINTS
    ]


def _counted() -> dict[tuple[str, str], Counted]:
    found = Outcome.objects.filter(at__gt=Now() - timedelta(seconds=SECONDS)).values("endpoint", "path")
    sums = found.annotate(all=Sum("requests"), failed=Sum("failures"))
    return {(row["endpoint"], row["path"]): Counted(row["all"], row["failed"]) for row in sums}
