"""Sending deliveries: claim, call the merchant, record. No transaction is open while a merchant answers."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from apps.core import http
from apps.core.http import HttpFailed, HttpReply, HttpRequest
from apps.events import domain, services
from apps.events.services.deliveries import Claimed, Round


def deliver(endpoint_id: UUID, delivery_ids: Sequence[str]) -> int:
    """Those of the endpoint's deliveries that are due have been tried once; returns how many.

    Rounds of at most 20 at a time, each recorded before the next is claimed."""
    tried = 0
    while (found := services.claim_deliveries(endpoint_id=endpoint_id, delivery_ids=delivery_ids)).deliveries:
        outcomes = http.in_loop(_send_all(found))
        services.record_deliveries(endpoint_id=endpoint_id, outcomes=outcomes)
        tried += len(outcomes)
        if not found.left:
            break
    return tried


async def _send_all(found: Round) -> list[Mapping[str, Any]]:
    return list(await asyncio.gather(*(_send(found, one) for one in found.deliveries)))


async def _send(found: Round, delivery: Claimed) -> Mapping[str, Any]:
    """One attempt and its outcome, as `events_record_deliveries` takes it."""
    began = time.time()
    try:
        reply = await http.asend(_request(found, delivery, int(began)))
    except HttpFailed as failed:
        return _outcome(delivery, began, error=failed.kind)
    return _outcome(delivery, began, reply=reply)


def _request(found: Round, delivery: Claimed, timestamp: int) -> HttpRequest:
    headers = domain.webhook_headers(event_id=delivery.event.id, body=delivery.body, timestamp=timestamp, secrets=found.secrets)
    return HttpRequest(
        "POST", found.url, headers | {"User-Agent": "Florin/1.0 (+webhooks)"}, delivery.body,
        deadline_s=domain.DEADLINE_S, max_bytes=domain.ANSWER_BYTES, truncate=True, guard=True,
    )  # fmt: skip


def _outcome(delivery: Claimed, began: float, *, reply: HttpReply | None = None, error: str | None = None) -> Mapping[str, Any]:
    now = time.time()
    result = domain.result_of(reply.status if reply else None)
    asked = domain.retry_after_seconds(reply.headers.get("retry-after"), now) if reply else None
    return {
        "id": delivery.id,
        "claim": delivery.claim,
        "result": result,
        "retry_in_s": None if result != "failed" else domain.pause_after(delivery.attempts + 1, asked),
        "started_at": began,
        "duration_ms": int((now - began) * 1000),
        "status": reply.status if reply else None,
        "error": error,
        "response": domain.readable(reply.body) if reply else "",
    }
