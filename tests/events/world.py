"""One merchant, its endpoints and events, and the relay and workers turned by hand."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

from apps.core import db
from apps.core.ids import new_id
from apps.events import flows, selectors, services
from apps.events.models import WebhookEndpoint
from tests.factories import MadeMerchant

NO_ROUTES: dict[str, tuple[str, ...]] = {}


def relay(routes: dict[str, tuple[str, ...]] = NO_ROUTES) -> None:
    """The outbox is empty; nobody is told."""
    while services.relay_batch(batch=500, routes=routes).found:
        pass


class Shop:
    """A merchant, in test mode."""

    def __init__(self, merchant: MadeMerchant) -> None:
        self.merchant = merchant
        self.id = merchant.id

    def listens(self, url: str, *types: str) -> WebhookEndpoint:
        return services.create_endpoint(merchant_id=self.id, livemode=False, url=url, enabled_events=types or ("*",))

    def emits(self, type: str = "charge.succeeded", **details: Any) -> UUID:
        """An event of the merchant's, committed."""
        defaults = {"object_id": new_id(), "sequence": 1, "data": {"id": "ch_1", "object": "charge", "name": "Zoë ☕"}}
        return services.emit(merchant_id=self.id, livemode=False, type=type, **(defaults | details))

    def delivery(self, event_id: UUID, endpoint: WebhookEndpoint) -> dict[str, Any]:
        (found,) = db.query("SELECT * FROM events_delivery WHERE event_id = %s AND endpoint_id = %s", [event_id, endpoint.id])
        return found

    def deliveries(self, event_id: UUID) -> list[dict[str, Any]]:
        return db.query("SELECT * FROM events_delivery WHERE event_id = %s ORDER BY id", [event_id])

    def events(self, type: str) -> list[dict[str, Any]]:
        return db.query("SELECT * FROM events_event WHERE merchant_id = %s AND type = %s ORDER BY id", [self.id, type])

    def sends(self, event_id: UUID, endpoint: WebhookEndpoint) -> dict[str, Any]:
        """The delivery after a worker looked at it, whatever its pause says."""
        db.query("UPDATE events_delivery SET next_attempt_at = clock_timestamp() WHERE event_id = %s", [event_id])
        db.query("UPDATE events_webhook_endpoint SET probe_at = NULL WHERE id = %s", [endpoint.id])
        flows.deliver(endpoint.id, [str(self.delivery(event_id, endpoint)["id"])])
        return self.delivery(event_id, endpoint)

    def sends_all(self, endpoint: WebhookEndpoint) -> int:
        """How many of the endpoint's due deliveries a worker tried, in one task."""
        rows = db.query("SELECT id FROM events_delivery WHERE endpoint_id = %s AND state = 'pending' ORDER BY id", [endpoint.id])
        return flows.deliver(endpoint.id, [str(row["id"]) for row in rows])

    def probe_now(self, endpoint: WebhookEndpoint) -> None:
        """The endpoint's pause is over, and so are its deliveries'."""
        db.query("UPDATE events_webhook_endpoint SET probe_at = clock_timestamp() WHERE id = %s", [endpoint.id])
        db.query("UPDATE events_delivery SET next_attempt_at = clock_timestamp() WHERE endpoint_id = %s", [endpoint.id])

    def failing_since(self, endpoint: WebhookEndpoint, *, days: float) -> None:
        since = "UPDATE events_webhook_endpoint SET failing_since = clock_timestamp() - make_interval(secs => %s) WHERE id = %s"
        db.query(since, [days * 86_400, endpoint.id])

    def merchant_rolls(self, endpoint: WebhookEndpoint, *, seconds: int) -> None:
        overlap = timedelta(seconds=seconds)
        services.roll_secret(merchant_id=self.id, livemode=False, endpoint_id=endpoint.id, overlap=overlap)

    def told(self, url: str) -> tuple[UUID, WebhookEndpoint, dict[str, Any]]:
        """An event, an endpoint at `url`, and their delivery after its first attempt."""
        endpoint = self.listens(url)
        event_id = self.emits()
        relay()
        return event_id, endpoint, self.sends(event_id, endpoint)

    def consequences(self, event_id: UUID) -> list[dict[str, Any]]:
        return db.query("SELECT * FROM events_consequence WHERE event_id = %s ORDER BY task", [event_id])


def log_of(delivery: dict[str, Any]) -> list[dict[str, Any]]:
    return db.query("SELECT * FROM events_delivery_attempt WHERE delivery_id = %s ORDER BY number", [delivery["id"]])


def pause_of(delivery: dict[str, Any]) -> float:
    """Seconds between the last attempt and the next."""
    began = log_of(delivery)[-1]["started_at"]
    return (delivery["next_attempt_at"] - began).total_seconds()


def now_due(consequence_ids: list[str]) -> None:
    db.query("UPDATE events_consequence SET next_attempt_at = clock_timestamp() WHERE id = ANY(%s::uuid[])", [consequence_ids])


def signatures(headers: dict[str, str]) -> list[str]:
    return re.findall(r"v1=([0-9a-f]{64})", headers["stripe-signature"])


def secret_of(endpoint: WebhookEndpoint, version: int) -> str:
    return selectors.newest_secret(endpoint.id, version)
