"""From the outbox to work, and from late work back to the workers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from apps.core import db
from apps.events import domain


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a worker should be told of: ids of deliveries by endpoint and of consequences by task.
    `found` is how many rows were looked at; none means that there is no more."""

    found: int
    deliveries: Mapping[str, Sequence[str]] = field(default_factory=dict)
    consequences: Mapping[str, Sequence[str]] = field(default_factory=dict)


def relay_batch(*, batch: int, routes: Mapping[str, Sequence[str]]) -> Work:
    """Up to `batch` events have left the outbox, and what follows from them is written: one delivery
    per endpoint that wants an event, one consequence per task in `routes`. One statement, one commit.

    Locks: outbox rows that nobody else holds (SKIP LOCKED).
    """
    command = {"batch": batch, "routes": routes, "api_version": domain.API_VERSION}
    done = db.call("events_relay", [command])[0]["ok"]
    return Work(found=done["events"], deliveries=done["deliveries"], consequences=done["consequences"])


def sweep_batch(*, batch: int) -> Work:
    """Up to `batch` deliveries and as many consequences that are due and of which no worker heard in
    the last 45 s; the next 45 s are counted from now.

    Locks: due rows that nobody else holds (SKIP LOCKED).
    """
    done = db.call("events_sweep", [{"batch": batch}])[0]["ok"]
    return Work(found=done["found"], deliveries=done["deliveries"], consequences=done["consequences"])
