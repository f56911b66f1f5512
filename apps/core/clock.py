"""Business time: what `created`, `booked_on` and month ends go by.

It is real time plus one platform-wide shift, kept in the table `core_clock` and zero in production
(a system check refuses anything else there). Moving it lets a whole month be rehearsed in minutes.
Leases, due times and retry schedules never use it: they go by the database's own clock.
"""

import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as midnight
from threading import Lock
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings

from apps.core import known

_REFRESH_S = 0.5
_lock = Lock()
_shift_s = 0.0
_read_at = -1.0
_known = False


def now() -> datetime:
    """Business time, aware, UTC."""
    return datetime.fromtimestamp(timestamp(), UTC)


def timestamp() -> float:
    """Business time in Unix seconds."""
    if time.monotonic() - _read_at > _REFRESH_S:
        _read()
    return time.time() + _shift_s


def today() -> date:
    """The business date in the ledger's time zone."""
    global _day
    zone, at = known.settings.LEDGER_TIME_ZONE, timestamp()
    if _day is None or _day.zone != zone or not _day.begins <= at < _day.ends:
        _day = _day_of(at, zone)
    return _day.on


class _Day(NamedTuple):
    """A date in a time zone, and where it begins and ends in Unix seconds."""

    zone: str
    on: date
    begins: float
    ends: float


_day: _Day | None = None


def _day_of(at: float, zone: str) -> _Day:
    there = ZoneInfo(zone)
    on = datetime.fromtimestamp(at, there).date()
    begins, ends = (datetime.combine(day, midnight(), there).timestamp() for day in (on, on + timedelta(days=1)))
    return _Day(zone, on, begins, ends)


def set_shift(shift: timedelta) -> None:
    """Moves business time for every process of the platform; others see it within 0.5 s."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE core_clock SET shift = make_interval(secs => %s)", [shift.total_seconds()])
    forget()


def forget() -> None:
    """The next call reads the shift again."""
    global _read_at
    _read_at = -1.0


def shift_seconds() -> float:
    """The shift, at most 0.5 s old; always 0 where the clock may not be moved."""
    if time.monotonic() - _read_at > _REFRESH_S:
        _read()
    return _shift_s


def _read() -> None:
    with _lock:
        _refresh()


def _refresh() -> None:
    # A connection of its own: callers may be inside an event loop or a failed transaction, where
    # Django's connection cannot be used. Past the pooler: with a transaction open, waiting for a second of
    # its connections would be a deadlock. Only platforms whose clock may move come here.
    import psycopg

    global _shift_s, _read_at, _known
    if time.monotonic() - _read_at <= _REFRESH_S and _read_at >= 0:
        return
    if not settings.CLOCK_MAY_MOVE:
        _shift_s, _read_at = 0.0, time.monotonic()
        return
    try:
        with psycopg.connect(settings.DATABASE_DIRECT_DSN, autocommit=True, connect_timeout=2) as connection:
            row = connection.execute("SELECT extract(epoch FROM shift)::float8 FROM core_clock").fetchone()
    except psycopg.OperationalError:
        if not _known:
            raise
        # The database is away: the shift that was last seen holds until it is back.
        _read_at = time.monotonic()
        return
    _shift_s, _known = (row[0] if row else 0.0), True
    _read_at = time.monotonic()
