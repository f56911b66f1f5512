"""How many requests a process works on at once: as many as it can answer in time.

Whoever comes beyond that is refused at once (503, Retry-After) instead of waiting in a queue that only
grows: those let in are answered soon, and the refused know that nothing was started. The limit is what
the process has lately got done in HOT_LATENCY_S, so it follows the machine and the load (Little's law);
FLOOR keeps room for a burst after a quiet time. Requests that wait for a gateway cost nothing meanwhile
and are not counted.
"""

import time

from django.conf import settings

from apps.core.errors import Overloaded

FLOOR = 128
_WINDOW_S = 0.25
_WEIGHT = 0.5

_working = 0
_done = 0
_rate = 0.0
_limit = FLOOR
_window_ends = 0.0


def enter() -> None:
    """One request more is worked on.  Raises: Overloaded."""
    global _working
    if _working >= _limit:
        raise Overloaded()
    _working += 1


def leave() -> None:
    """It is answered."""
    global _working, _done
    _working -= 1
    _done += 1
    now = time.monotonic()
    if now >= _window_ends:
        _adjust(now)


def _adjust(now: float) -> None:
    """The limit follows the rate of the window that has ended; after a pause it starts anew."""
    global _rate, _limit, _window_ends, _done
    passed = now - _window_ends + _WINDOW_S
    _rate = _done / passed if passed > 4 * _WINDOW_S else _WEIGHT * _rate + (1 - _WEIGHT) * _done / passed
    _limit = max(FLOOR, int(_rate * settings.HOT_LATENCY_S))
    _window_ends, _done = now + _WINDOW_S, 0


def away() -> None:
    """A request that is worked on waits for the outside world."""
    global _working
    _working -= 1


def back() -> None:
    """It goes on, whatever the limit says: what was begun is finished."""
    global _working
    _working += 1
