"""Questions about events, endpoints and deliveries. Every one is of one merchant and one mode."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db.models import Count, QuerySet

from apps.core import db, ids
from apps.core.errors import NotFound
from apps.events import domain
from apps.events.domain import EventView
from apps.events.models import Delivery, WebhookEndpoint

EVENT_COLUMNS = "id, merchant_id, livemode, type, created, object_id, sequence, data, previous_attributes, request_id, idempotency_key"


def event(event_id: UUID) -> EventView | None:
    """The event, whoever's it is: for the platform's own use."""
    rows = db.query(f"SELECT {EVENT_COLUMNS} FROM events_event WHERE id = %s", [event_id])
    return domain.event_view(rows[0]) if rows else None


def existing_event(event_id: UUID) -> EventView:
    """The event, whoever's it is. Raises NotFound."""
    found = event(event_id)
    if found is None:
        raise NotFound(param="id", kind="event", id=ids.encode("evt", event_id))
    return found


def merchant_event(merchant_id: UUID, livemode: bool, event_id: UUID) -> EventView:
    """The merchant's event. Raises NotFound."""
    found = event(event_id)
    if found is None or found.merchant_id != merchant_id or found.livemode != livemode:
        raise NotFound(param="id", kind="event", id=ids.encode("evt", event_id))
    return found


def merchant_events(
    merchant_id: UUID, livemode: bool, *, types: Sequence[str], condition: str, params: Mapping[str, Any], order: str, fetch: int
) -> list[EventView]:
    """A page of the merchant's events. `condition` and `order` hold column names of ours only; their
    values are in `params`. One type reads its own index from the end; several are one walk each."""
    wanted = "AND type = ANY(%(types)s)" if types else ""
    statement = f"""
        SELECT {EVENT_COLUMNS} FROM events_event
        WHERE merchant_id = %(merchant)s AND livemode = %(livemode)s {wanted} AND {condition}
        ORDER BY {order} LIMIT %(fetch)s"""  # lint: allow sql-text because both are a Keyset's
    values = {**params, "merchant": merchant_id, "livemode": livemode, "types": list(types), "fetch": fetch}
    return [domain.event_view(row) for row in db.query(statement, values)]


def pending_webhooks(event_ids: Iterable[UUID]) -> dict[UUID, int]:
    """How many endpoints have not had each event yet; events with none are absent."""
    found = Delivery.objects.filter(event_id__in=list(event_ids), state="pending")
    return dict(found.values_list("event_id").annotate(Count("id")))


def endpoints(merchant_id: UUID, livemode: bool) -> QuerySet[WebhookEndpoint]:
    """The merchant's webhook endpoints that are not deleted."""
    return WebhookEndpoint.objects.filter(merchant_id=merchant_id, livemode=livemode, deleted_at=None)


def endpoint_rows(
    merchant_id: UUID, livemode: bool, *, condition: str, params: Mapping[str, Any], order: str, fetch: int
) -> list[dict[str, Any]]:
    """A page of the merchant's webhook endpoints, as rows; see `merchant_events` for the arguments."""
    statement = f"""
        SELECT id, api_version, created, description, enabled_events, livemode, metadata::text, status, url
        FROM events_webhook_endpoint
        WHERE merchant_id = %(merchant)s AND livemode = %(livemode)s AND deleted_at IS NULL AND {condition}
        ORDER BY {order} LIMIT %(fetch)s"""  # lint: allow sql-text because both are a Keyset's
    found = db.query(statement, {**params, "merchant": merchant_id, "livemode": livemode, "fetch": fetch})
    return [row | {"metadata": orjson.loads(row["metadata"])} for row in found]


def endpoint(merchant_id: UUID, livemode: bool, endpoint_id: UUID) -> WebhookEndpoint:
    """The merchant's webhook endpoint. Raises NotFound."""
    found = endpoints(merchant_id, livemode).filter(id=endpoint_id).first()
    if found is None:
        raise NotFound(param="id", kind="webhook endpoint", id=ids.encode("we", endpoint_id))
    return found


def signing_secrets(endpoint_id: UUID, versions: Sequence[int]) -> list[str]:
    """The secrets that sign now: each version under the platform's key and, while that one is being
    changed, under the keys before it."""
    masters = [settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS)]
    return [domain.endpoint_secret(master, endpoint_id, version) for version in versions for master in masters]


def newest_secret(endpoint_id: UUID, version: int) -> str:
    """The secret to show for a version, once."""
    return domain.endpoint_secret(settings.SECRET_KEY, endpoint_id, version)
