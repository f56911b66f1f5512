"""How a write with a key answers when the key was seen before."""

import time
from collections.abc import Callable
from typing import Any

from apps.core.flow import Flow, Sleep, Sql
from apps.idempotency.domain import POLL_S, WAIT_S, Answer
from apps.idempotency.errors import IdempotencyKeyInUse, IdempotencyKeyReused


def claimed(first: Callable[[], Sql]) -> Flow[Answer | dict[str, Any]]:
    """Sends the command `first()` whose SQL function claims the key, and returns its outcome once the
    key is this request's own: `{"ok": …}`, `{"error": …}` or `{"claim": {"outcome": "resume", …}}`.

    A key whose request is done returns the stored Answer. While the first request still runs, the
    command is sent again every 50 ms for up to 2 s by the clock: where the database is slow, fewer times.
    Raises: IdempotencyKeyReused, IdempotencyKeyInUse.
    """
    until = 0.0
    while True:
        outcome: dict[str, Any] = yield first()
        claim = outcome.get("claim") or {}
        if claim.get("outcome") != "running":
            return settled(outcome, claim)
        now = time.monotonic()
        until = until or now + WAIT_S
        if now >= until:
            raise IdempotencyKeyInUse()
        yield Sleep(POLL_S)


def settled(outcome: dict[str, Any], claim: dict[str, Any]) -> Answer | dict[str, Any]:
    """`outcome`, or the stored Answer if `claim` says that the request was done before."""
    if claim.get("outcome") == "mismatch":
        raise IdempotencyKeyReused()
    if claim.get("outcome") == "replay":
        return Answer(status=claim["status"], body=claim["body"].encode(), replayed=True, kept=True)
    return outcome
