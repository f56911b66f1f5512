"""Deliveries: claimed, recorded, sent once more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.core import db, ids
from apps.events import domain, selectors
from apps.events.domain import EventView
from apps.events.errors import EndpointNotListening
from apps.events.models import WebhookEndpoint
from apps.events.services.endpoints import disable_endpoint


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """One delivery under a lease. `body` is the same for every attempt; `attempts` counts those made."""

    id: str
    claim: int
    attempts: int
    event: EventView
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Round:
    """Deliveries of one endpoint to be sent now, all before `now` + 30 s (`now` is the database's clock
    in Unix seconds). `left` is how many of the asked-for are still due."""

    left: int
    now: float = 0.0
    url: str = ""
    secrets: Sequence[str] = ()
    deliveries: Sequence[Claimed] = ()


def claim_deliveries(*, endpoint_id: UUID, delivery_ids: Sequence[str]) -> Round:
    """Those of the deliveries that may be sent now are leased for 30 s to the caller: at most 20, and
    fewer or none while the endpoint is busy or down. Those of a disabled endpoint are dropped.

    Locks: the endpoint, then deliveries that nobody else holds (SKIP LOCKED).
    """
    command = {"endpoint_id": endpoint_id, "ids": list(delivery_ids)}
    answer = db.call("events_claim_deliveries", [command])[0]["ok"]
    if not answer["deliveries"]:
        return Round(left=0)
    return Round(
        left=answer["left"],
        now=answer["now"],
        url=answer["url"],
        secrets=selectors.signing_secrets(endpoint_id, answer["secret_versions"]),
        deliveries=[_claimed(row) for row in answer["deliveries"]],
    )


def _claimed(row: Mapping[str, Any]) -> Claimed:
    event = domain.event_view(row["event"])
    body = domain.event_body(event, pending_webhooks=row["fanout"], api_version=row["api_version"])
    return Claimed(id=row["id"], claim=row["claim"], attempts=row["attempts"], event=event, body=body)


def record_deliveries(*, endpoint_id: UUID, outcomes: Sequence[Mapping[str, Any]]) -> None:
    """Every attempt is in the log, every delivery has its next state, the endpoint its health. One that
    answered 410 or has failed for three days is disabled.

    Locks: the endpoint, then the deliveries. Emits: webhook_endpoint.disabled.
    """
    with transaction.atomic(durable=True):
        command = {"endpoint_id": endpoint_id, "outcomes": list(outcomes)}
        reason = db.call("events_record_deliveries", [command])[0]["ok"]["disable"]
        if reason is not None:
            disable_endpoint(endpoint_id=endpoint_id, reason=reason)


def replay(*, event_id: UUID, endpoint_id: UUID | None = None) -> list[UUID]:
    """The event is due again, its schedule from the start, for the endpoints that had it or want it
    now, or for `endpoint_id` alone whatever it subscribed to. Returns the endpoints. What a worker
    holds at this moment is left to it.

    Locks: the deliveries. Raises: NotFound, EndpointNotListening.
    """
    event = selectors.existing_event(event_id)
    if endpoint_id is not None:
        _must_listen(event, endpoint_id)
    command = {"event_id": event_id, "endpoint_id": endpoint_id, "api_version": domain.API_VERSION}
    return [UUID(found) for found in db.call("events_replay", [command])[0]["ok"]["endpoints"]]


def _must_listen(event: EventView, endpoint_id: UUID) -> None:
    endpoint: WebhookEndpoint = selectors.endpoint(event.merchant_id, event.livemode, endpoint_id)
    if endpoint.status != "enabled":
        raise EndpointNotListening(param="endpoint", id=ids.encode("we", endpoint_id))
