"""How many requests a process works on at once: as many as it can answer in time.

Whoever comes beyond that is refused at once (503, Retry-After) instead of waiting in a queue that only
grows: those let in are answered soon, and the refused know that nothing was started. While some are refused
the limit is what the process gets done in HOT_LATENCY_S, so it follows the machine and the load (Little's
law); what it gets done is counted against the time in which it had something to do. While nobody is refused
there is room for a burst: FLOOR. Requests that wait for a gateway cost nothing meanwhile and are not counted.
"""

import time

from django.conf import settings

from apps.core.errors import Overloaded

FLOOR = 128
# However slow it is, so many share a commit.
LEAST = 8
_WINDOW_S = 0.25
_WEIGHT = 0.5

_working = 0
# Let in by the server, and not yet begun: they are all read before the first of them is.
_coming = 0
_done = 0
_refused = False
_rate = 0.0
_limit = FLOOR
_window_ends = 0.0
_busy_since = 0.0
_busy_s = 0.0


def is_full() -> bool:
    """Whether the next request is to be refused; the caller then does it."""
    global _refused
    if _working + _coming < _limit:
        return False
    _refused = True
    return True


def expect() -> None:
    """A request was let in and will be begun in a moment."""
    global _coming
    _coming += 1


def begin() -> None:
    """One of those who were expected has begun, or never will."""
    global _coming
    _coming -= 1


def enter() -> None:
    """One request more is worked on.  Raises: Overloaded."""
    global _working, _refused
    if _working >= _limit:
        _refused = True
        raise Overloaded()
    if not _working:
        _wake(time.monotonic())
    _working += 1


def leave() -> None:
    """It is answered."""
    global _working, _done
    _working -= 1
    _done += 1
    now = time.monotonic()
    if not _working:
        _rest(now)
    if now >= _window_ends:
        _adjust(now)


def _wake(now: float) -> None:
    """After a pause a window begins with the first request; within one its clock goes on."""
    global _busy_since
    _busy_since = now
    if now >= _window_ends:
        _begin_window(now)


def _rest(now: float) -> None:
    global _busy_s
    _busy_s += now - _busy_since


def _adjust(now: float) -> None:
    """The limit follows the rate of the window that has ended; when nobody was refused, it opens again."""
    global _rate, _limit
    busy = _busy_s + (now - _busy_since if _working else 0.0)
    rate = _done / max(busy, 0.001)
    _rate = _WEIGHT * _rate + (1 - _WEIGHT) * rate if _rate else rate
    in_time = max(LEAST, int(_rate * settings.HOT_LATENCY_S))
    _limit = in_time if _refused else max(in_time, min(FLOOR, 2 * _limit))
    _begin_window(now)


def _begin_window(now: float) -> None:
    global _window_ends, _busy_since, _busy_s, _done, _refused
    _window_ends, _busy_since, _busy_s, _done, _refused = now + _WINDOW_S, now, 0.0, 0, False


def away() -> None:
    """A request that is worked on waits for the outside world."""
    global _working
    _working -= 1
    if not _working:
        _rest(time.monotonic())


def back() -> None:
    """It goes on, whatever the limit says: what was begun is finished."""
    global _working
    if not _working:
        _wake(time.monotonic())
    _working += 1
