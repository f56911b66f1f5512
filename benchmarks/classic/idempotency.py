"""Answers kept under the merchant's Idempotency-Key."""

import hashlib
import json
from typing import Any

from rest_framework.exceptions import APIException

from benchmarks.classic.models import IdempotencyRecord


class KeyReused(APIException):
    status_code = 422
    default_detail = "The idempotency key was used for another request."


class KeyInUse(APIException):
    status_code = 409
    default_detail = "A request with this idempotency key is running."


def claim(request, asked: dict[str, Any]) -> IdempotencyRecord | None:
    """The record of this request, in the caller's transaction; None without a key. With `status` set it
    holds the answer already.  Raises: KeyReused, KeyInUse."""
    key = request.headers.get("Idempotency-Key")
    if not key:
        return None
    body = json.dumps([request.method, request.path, asked], sort_keys=True)
    fingerprint = hashlib.sha256(body.encode()).hexdigest()
    record, is_new = IdempotencyRecord.objects.get_or_create(
        merchant=request.user, livemode=request.auth.livemode, key=key, defaults={"fingerprint": fingerprint}
    )
    if record.fingerprint != fingerprint:
        raise KeyReused()
    if not is_new and record.status is None:
        raise KeyInUse()
    return record


def finish(record: IdempotencyRecord | None, body: dict[str, Any], status: int = 200) -> None:
    """Keeps the answer."""
    if record is not None:
        record.status, record.body = status, body
        record.save(update_fields=["status", "body"])
