"""Writing events."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.core import clock, db
from apps.core.documents import encode
from apps.core.ids import new_id


def emit(
    *,
    merchant_id: UUID,
    livemode: bool,
    type: str,
    object_id: UUID,
    sequence: int,
    data: Any,
    previous_attributes: Mapping[str, Any] | None = None,
    request_id: str | None = None,
    idempotency_key: str | None = None,
    created: datetime | None = None,
) -> UUID:
    """The event exists if and only if the caller's transaction commits; returns its id. `data` is the
    object as the API renders it, `sequence` its version, `created` business time (now by default).

    Emits: `type`.
    """
    event_id = new_id()
    event: dict[str, Any] = {
        "id": event_id,
        "merchant_id": merchant_id,
        "livemode": livemode,
        "type": type,
        "created": created or clock.now(),
        "object_id": object_id,
        "sequence": sequence,
        "data": encode(data).decode(),
        "previous_attributes": None if previous_attributes is None else encode(previous_attributes).decode(),
        "request_id": request_id,
        "idempotency_key": idempotency_key,
    }
    db.query("SELECT events_write(%s::jsonb)", [db.encode([event])])
    return event_id
