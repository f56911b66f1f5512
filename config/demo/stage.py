"""The world around the demo: one clock for the platform and the sandbox, and the sandbox's bank day."""

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
from django.conf import settings

from apps.core import clock, db, http
from apps.core.http import HttpRequest
from apps.ledger import selectors as ledger


def demo_month(today: date) -> date:
    """The month to play: the one before today's if its books are still open, else today's own."""
    this = today.replace(day=1)
    before = (this - timedelta(days=1)).replace(day=1)
    return before if ledger.period_is_open(before) else this


def next_month(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


def move_clock(moment: datetime) -> None:
    """Business time is `moment` for the platform and the sandbox, and goes on from there. A moment
    that has already come takes both back to real time."""
    shift = moment - datetime.now(UTC)  # lint: allow one-clock because this measures the shift itself
    clock.set_shift(shift)
    sandbox("POST", "/control/clock", {"now": moment.isoformat()})
    time.sleep(0.6)  # every process has seen the new shift


def back_to_now(earliest: date) -> None:
    """Real time again, unless the demo played a month that is not over: then its first day after."""
    clock.set_shift(timedelta(0))
    sandbox("POST", "/control/clock", {"now": None})
    if clock.today() < earliest:
        move_clock(datetime.combine(earliest, datetime.min.time(), UTC) + timedelta(hours=1))
    time.sleep(0.6)


def sandbox(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """The sandbox's answer; tried again while it is being restarted."""
    headers = {"Content-Type": "application/json"}
    request = HttpRequest(method, settings.SANDBOX_URL + path, headers, orjson.dumps(body) if body else b"", deadline_s=15)
    for attempt in range(60):
        try:
            reply = http.send(request)
        except http.HttpFailed:
            if attempt == 59:
                raise
            time.sleep(0.5)
            continue
        if reply.status >= 400:
            raise RuntimeError(f"sandbox {path}: {reply.status} {reply.body[:200]!r}")
        return orjson.loads(reply.body)
    return None


def settle(day: date) -> int:
    """The acquirer pays out everything up to `day`; returns how many payouts."""
    return len(sandbox("POST", "/control/settle", {"date": day.isoformat()}).get("payouts", []))


def wait_until_drained(seconds: float) -> None:
    """Every event has been relayed and no outcome is unknown."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        waiting = db.query("SELECT EXISTS (SELECT FROM events_outbox) AS busy")
        if not waiting[0]["busy"]:
            return
        time.sleep(0.2)
