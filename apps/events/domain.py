"""The rules of events and webhooks: what is sent, how it is signed, when it is tried again."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, Literal
from uuid import UUID

import orjson

from apps.core import ids

API_VERSION = "2026-10-28.endive"
MAX_ENDPOINTS = 16
MAX_EVENT_TYPES = 200
EVENT_TYPE = r"^(?:\*|[a-z0-9_]{1,40}(?:\.[a-z0-9_]{1,40}){1,3})\Z"

DEADLINE_S = 15.0
ANSWER_BYTES = 1024
# The pauses between a delivery's ten attempts: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
PAUSES_S = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
LONGEST_PAUSE_S = 86_400
# The pauses between a consequence's five attempts.
CONSEQUENCE_PAUSES_S = (5, 60, 600, 3600)

Result = Literal["succeeded", "gone", "failed"]


@dataclass(frozen=True, kw_only=True)
class EventView:
    """An event as the tasks that follow from it see it. `sequence` is the object's version."""

    id: UUID
    merchant_id: UUID
    livemode: bool
    type: str
    created: datetime
    object_id: UUID
    sequence: int
    data: str
    previous_attributes: str | None = None
    request_id: str | None = None
    idempotency_key: str | None = None

    @cached_property
    def object(self) -> dict[str, Any]:
        """The object as the API rendered it when the event happened."""
        return dict(orjson.loads(self.data))


def event_view(row: Mapping[str, Any]) -> EventView:
    """The view of a row of events_event, as read from the table or from a function's JSON."""
    created = row["created"]
    return EventView(
        id=_uuid(row["id"]),
        merchant_id=_uuid(row["merchant_id"]),
        livemode=row["livemode"],
        type=row["type"],
        created=created if isinstance(created, datetime) else datetime.fromisoformat(created),
        object_id=_uuid(row["object_id"]),
        sequence=row["sequence"],
        data=row["data"],
        previous_attributes=row["previous_attributes"],
        request_id=row["request_id"],
        idempotency_key=row["idempotency_key"],
    )


def _uuid(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


def event_object(event: EventView, *, pending_webhooks: int, api_version: str = API_VERSION) -> dict[str, Any]:
    """The `event` object of the API and the body of webhooks; encode it with orjson. The object inside
    is the stored text itself, so it is the same to the byte whenever it is sent."""
    data: dict[str, Any] = {"object": orjson.Fragment(event.data)}
    if event.previous_attributes is not None:
        data["previous_attributes"] = orjson.Fragment(event.previous_attributes)
    return {
        "id": ids.encode("evt", event.id),
        "object": "event",
        "api_version": api_version,
        "created": int(event.created.timestamp()),
        "data": data,
        "livemode": event.livemode,
        "pending_webhooks": pending_webhooks,
        "request": {"id": event.request_id, "idempotency_key": event.idempotency_key},
        "sequence": event.sequence,
        "type": event.type,
    }


def event_body(event: EventView, *, pending_webhooks: int, api_version: str) -> bytes:
    """The body of a webhook: the same bytes for every attempt."""
    return orjson.dumps(event_object(event, pending_webhooks=pending_webhooks, api_version=api_version))


def endpoint_object(row: Mapping[str, Any], *, secret: str | None = None) -> dict[str, Any]:
    """The `webhook_endpoint` object; `secret` only right after it was made or rolled."""
    document = {
        "id": ids.encode("we", row["id"]),
        "object": "webhook_endpoint",
        "api_version": row["api_version"],
        "application": None,
        "created": int(row["created"].timestamp()),
        "description": row["description"],
        "enabled_events": list(row["enabled_events"]),
        "livemode": row["livemode"],
        "metadata": row["metadata"],
        "status": row["status"],
        "url": row["url"],
    }
    return document if secret is None else {**document, "secret": secret}


def endpoint_secret(master: str, endpoint_id: UUID, version: int) -> str:
    """The endpoint's signing secret of that version, 256 bits. It follows from the platform's `master`
    key alone, so it is stored nowhere."""
    name = f"florin webhook secret {endpoint_id} {version}"
    return "whsec_" + b64encode(hmac.digest(master.encode(), name.encode(), "sha256")).decode()


def webhook_headers(*, event_id: UUID, body: bytes, timestamp: int, secrets: Sequence[str]) -> dict[str, str]:
    """The headers that prove a delivery to stripe.Webhook.construct_event and to Standard Webhooks
    alike, with one signature per valid secret. `timestamp` is in Unix seconds."""
    message_id = ids.encode("evt", event_id)
    stripe_text = b"%d.%s" % (timestamp, body)
    standard_text = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    stripe = [f"v1={hmac.new(secret.encode(), stripe_text, hashlib.sha256).hexdigest()}" for secret in secrets]
    standard = [f"v1,{b64encode(hmac.digest(_standard_key(secret), standard_text, 'sha256')).decode()}" for secret in secrets]
    return {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": ",".join([f"t={timestamp}", *stripe]),
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(standard),
    }


def _standard_key(secret: str) -> bytes:
    return b64decode(secret.removeprefix("whsec_"))


def result_of(status: int | None) -> Result:
    """What an answer means: 2xx alone is success, 410 asks never to be called again, no answer and
    everything else (redirects too) is a failure to be tried again."""
    if status is not None and 200 <= status < 300:
        return "succeeded"
    return "gone" if status == 410 else "failed"


def pause_after(attempts: int, retry_after_s: float | None = None) -> float | None:
    """Seconds until the next attempt when `attempts` have failed, or None when the schedule is over.
    A longer pause that the endpoint asked for is granted, up to a day."""
    if attempts > len(PAUSES_S):
        return None
    return max(PAUSES_S[attempts - 1], min(retry_after_s or 0, LONGEST_PAUSE_S))


def retry_after_seconds(value: str | None, now: float) -> float | None:
    """What a Retry-After header asks for: seconds or an HTTP date. None for nonsense and the past;
    `now` is in Unix seconds."""
    if not value or len(value) > 64 or not value.isascii():
        return None
    if value.strip().isdigit():
        return float(min(int(value), LONGEST_PAUSE_S))
    try:
        seconds = parsedate_to_datetime(value).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return min(seconds, LONGEST_PAUSE_S) if seconds > 0 else None


def consequence_pause(attempts: int) -> int | None:
    """Seconds until the next attempt when `attempts` have failed, or None when it is to be parked."""
    return CONSEQUENCE_PAUSES_S[attempts - 1] if attempts <= len(CONSEQUENCE_PAUSES_S) else None


def readable(answer: bytes) -> str:
    """The start of an endpoint's answer as text that a database can hold."""
    return answer[:ANSWER_BYTES].decode("utf-8", "replace").replace("\x00", "�")[:ANSWER_BYTES]
