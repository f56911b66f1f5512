"""Working consequences off."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from apps.core import db
from apps.core.errors import FlorinError
from apps.events import domain
from apps.events.domain import EventView

log = logging.getLogger(__name__)
Handler = Callable[[EventView], None]


def work_consequences(  # lint: allow keyword-only-services because ids and work cannot be swapped
    ids: Sequence[str], handler: Handler
) -> int:
    """`handler` has been called with the event of each of `ids` that was due; returns how many. A row
    whose handler raised is tried again after 5 s, 1 min, 10 min and 1 h, then parked; the others are
    not disturbed. A worker that dies repeats at most the row in hand, so handlers bear a repeat.

    Call it outside any transaction. Locks: one consequence at a time, for the length of a statement.
    """
    worked = 0
    finished: dict[str, Any] | None = None
    while (taken := db.call("events_work", [{"ids": list(ids), "finished": finished}])[0]["ok"]) is not None:
        finished = _attempt(taken, handler)
        worked += 1
    return worked


def _attempt(taken: dict[str, Any], handler: Handler) -> dict[str, Any]:
    outcome = {"id": taken["id"], "attempt": taken["attempt"], "error": None, "retry_in_s": None}
    try:
        handler(domain.event_view(taken["event"]))
    except Exception as error:
        log.exception("consequence %s of %s failed", taken["task"], taken["event"]["id"])
        outcome.update(error=_name(error), retry_in_s=domain.consequence_pause(taken["attempt"]))
    return outcome


def _name(error: Exception) -> str:
    # The text of a foreign error may quote an address or a secret; the log, which is redacted, has it.
    return str(error)[:500] if isinstance(error, FlorinError) else type(error).__name__
