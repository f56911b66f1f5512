"""Finding out what became of payments whose outcome we do not have."""

from typing import Any
from uuid import UUID

import structlog

from apps.core import clock, db
from apps.core.flow import Flow, Sql, run
from apps.core.ids import encode
from apps.payments import gateways
from apps.payments.domain import rows, schedule
from apps.payments.domain.replies import NOTHING_HAPPENED, Reply, unknown
from apps.payments.domain.rows import Attempt
from apps.payments.flows import refunds, settling
from apps.payments.flows.asking import asked_of, look, request_behind

log = structlog.get_logger(__name__)
Json = dict[str, Any]

# A batch is looked at one by one, and done before its lease ends however slow the gateway is.
BATCH, ROUNDS, LEASE_S = 5, 200, 30
# After so many silent looks in a row the gateway is left alone until the next poke.
SILENT_LOOKS = 3


def recover_attempt(attempt_id: UUID) -> Flow[str]:
    """One look at the gateway, by our reference. A definitive answer is recorded, and the request that
    waits for it is answered under its key; anything else plans the next look. Returns the verdict.

    Posts, emits: as the request would have.
    """
    held = (yield Sql("payments_attempt_held", {"attempt_id": attempt_id}))["ok"]
    attempt = rows.read(Attempt, held["attempt"])
    if attempt.state in ("succeeded", "failed"):
        return "settled"
    reply = yield from look(attempt, asked_of(attempt, None, None))
    if reply.verdict in ("unknown", "missing"):
        return (yield from _looked_in_vain(attempt, held, reply))
    if attempt.state == "waiting" and reply.verdict == "challenged":
        yield from _plan(attempt, missing=False)
        return "waiting"
    yield from _settle(held, reply)
    if reply.verdict == "challenged":
        yield from _plan(attempt, missing=False)
    return reply.verdict


def _looked_in_vain(attempt: Attempt, held: Json, reply: Reply) -> Flow[str]:
    """Only a gateway that has denied the reference for as long as it says it may take is believed."""
    window_s = gateways.GATEWAYS[attempt.gateway].missing_window_s
    final = yield from _plan(attempt, missing=reply.verdict == "missing")
    if final:
        log.info("attempt.never_arrived", reference=encode("att", attempt.id))
        yield from _settle(held, NOTHING_HAPPENED, window_s=window_s)
        return "nothing happened"
    if attempt.state == "started":
        yield from _settle(held, unknown("its process is gone"))
    return reply.verdict


def _plan(attempt: Attempt, *, missing: bool) -> Flow[bool]:
    """The next look is due by the schedule; True if the gateway's denial is final now."""
    window_s = gateways.GATEWAYS[attempt.gateway].missing_window_s
    command = {"attempt_id": attempt.id, "next_s": _next_s(attempt), "missing": missing, "window_s": window_s}
    outcome = yield Sql("payments_looked", command)
    return bool(outcome["ok"]["final"])


def _next_s(attempt: Attempt) -> int:
    if attempt.state == "waiting":
        return schedule.next_waiting_look_s((clock.now() - attempt.created).total_seconds())
    return schedule.next_look_s(attempt.looks)


def _settle(held: Json, reply: Reply, *, window_s: int | None = None) -> Flow[Any]:
    request = request_behind(rows.read(Attempt, held["attempt"]))
    if held["refund"] is not None:
        return (yield from refunds.settle_refund(refunds.held_of(held), reply, request, window_s=window_s))
    return (yield from settling.settle(settling.held_of(held), reply, request, window_s=window_s))


def recover_due(*, batch: int = BATCH, rounds: int = ROUNDS) -> int:
    """Looks at every attempt that is due, a few at a time; others may do the same at once. Stops early
    where the gateway is silent. One that fails is looked at again when its lease ends."""
    looked = silent = 0
    for _ in range(rounds):
        claimed = db.call("payments_claim_looks", [{"limit": batch, "lease_s": LEASE_S}])[0]["ok"]["attempts"]
        for attempt_id in claimed:
            silent = silent + 1 if _recovered(attempt_id) == "unknown" else 0
            looked += 1
            if silent >= SILENT_LOOKS:
                return looked
        if len(claimed) < batch:
            break
    return looked


def _recovered(attempt_id: str) -> str:
    try:
        return run(recover_attempt(UUID(attempt_id)))
    except Exception:
        log.exception("attempt.recovery_failed", attempt_id=attempt_id)
        return "failed"
