"""The business clock: real time plus a shift that tests set. It keeps ticking after it is set."""

import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Far enough for any test, and both ends leave room to advance without leaving what datetime can hold.
EARLIEST, LATEST = datetime(1971, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class BadTime(ValueError):
    """The moment asked for is not a time, or lies outside what the clock can show."""


class Clock:
    """`now_us` is microseconds since 1970 in UTC; `shift_us` is how far that is from real time."""

    def __init__(self) -> None:
        self.shift_us = 0
        self._second, self._shown = -1, ""

    def now_us(self) -> int:
        return time.time_ns() // 1000 + self.shift_us

    def now(self) -> str:
        """As `iso`; what stands before the dot is made once a second."""
        second, microsecond = divmod(self.now_us(), 1_000_000)
        if second != self._second:
            self._second, self._shown = second, iso(second * 1_000_000)[:20]
        return f"{self._shown}{microsecond:06d}Z"


def iso(moment_us: int) -> str:
    """`2026-10-01T12:30:00.000000Z`: its first ten characters are the business date."""
    return (EPOCH + timedelta(microseconds=moment_us)).isoformat(timespec="microseconds")[:26] + "Z"


def parse(moment: str | int | float) -> int:
    """An ISO 8601 text (UTC where it names no zone) or Unix seconds, as microseconds since 1970."""
    try:
        if isinstance(moment, str):
            at = datetime.fromisoformat(moment)
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        else:
            at = EPOCH + timedelta(seconds=moment)
    except (ValueError, OverflowError) as error:
        raise BadTime(str(error)) from error
    return checked((at - EPOCH) // _MICROSECOND)


def checked(moment_us: int) -> int:
    """`moment_us` itself, or `BadTime` where the clock could not show it."""
    if not (EARLIEST - EPOCH) // _MICROSECOND <= moment_us < (LATEST - EPOCH) // _MICROSECOND:
        raise BadTime(f"the clock runs from {EARLIEST.year} to {LATEST.year - 1}")
    return moment_us
