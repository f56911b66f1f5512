"""Questions about shadow answers."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.core import db


@dataclass(frozen=True, slots=True)
class Summary:
    """What the samples of an endpoint came to. `compared` includes those that differ and those whose
    data had moved on; `skipped` and `dropped` were not compared."""

    endpoint: str
    compared: int = 0
    differing: int = 0
    moved_on: int = 0
    skipped: int = 0
    dropped: int = 0

    @property
    def sentence(self) -> str:
        text = f"{self.compared:,} compared, {self.differing:,} differ, {self.moved_on:,} moved on, {self.skipped:,} skipped"
        return f"{text}, {self.dropped:,} dropped" if self.dropped else text


def ago(period: timedelta) -> datetime:
    """The moment so long before now, by the database's clock."""
    found: datetime = db.query("SELECT clock_timestamp() - %s AS at", [period])[0]["at"]
    return found


_NUMBERS = ("compared", "differing", "moved_on", "skipped", "dropped")
_SUMS = ", ".join(f"sum({name})::bigint AS {name}" for name in _NUMBERS)


def shadow_summary(*, since: datetime, endpoint: str | None = None) -> list[Summary]:
    """Per endpoint, what the samples taken since then came to. Further back than two hours, whole hours."""
    condition = "" if endpoint is None else " AND endpoint = %(endpoint)s"
    found = db.query(
        f"SELECT endpoint, {_SUMS} FROM cutover_tally WHERE at >= %(since)s{condition} GROUP BY endpoint ORDER BY endpoint",
        {"since": since, "endpoint": endpoint},
    )
    return [Summary(**row) for row in found]


def total(summaries: list[Summary]) -> Summary:
    """The sums of all of them, as those of an endpoint named "total"."""
    return Summary("total", *(sum(getattr(one, name) for one in summaries) for name in _NUMBERS))


def differences(endpoint: str, since: datetime) -> tuple[int, int]:
    """(compared, differing) of the samples taken since then: counts of ten seconds that began earlier
    are left out."""
    found = shadow_summary(since=since, endpoint=endpoint)
    return (found[0].compared, found[0].differing) if found else (0, 0)


def mostly_in(endpoint: str, since: datetime) -> str:
    """Where most of the latest thousand differences of answers given since then are; empty if there are none."""
    found = db.query(
        "SELECT left(what, 120) AS what"
        " FROM (SELECT what, read_at FROM cutover_difference WHERE endpoint = %s ORDER BY id DESC LIMIT 1000) latest"
        " WHERE read_at >= %s GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
        [endpoint, since],
    )
    return str(found[0]["what"]) if found else ""
