"""Idempotency for writes that are one database transaction, and the purge of old keys."""

import time
from collections.abc import Callable
from typing import Any

from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from apps.core import db
from apps.idempotency.domain import POLL_S, WAIT_S, Answer, RequestKey
from apps.idempotency.errors import IdempotencyKeyInUse, IdempotencyKeyReused

KEPT_DAYS = 30


def answer_once(  # lint: allow keyword-only-services because key and work cannot be swapped: their types differ
    key: RequestKey, work: Callable[[], tuple[int, bytes]]
) -> Answer:
    """`work`'s effect and its answer (status, body) are committed together, once per key; the same key
    again gets the stored bytes. If `work` raises, nothing happened and the key may be used again.

    Locks: the idempotency record.  Raises: IdempotencyKeyReused, IdempotencyKeyInUse, what `work` raises.
    """
    deadline = time.monotonic() + WAIT_S
    while True:
        answer = _attempt(key, work)
        if answer is not None:
            return answer
        if time.monotonic() >= deadline:
            raise IdempotencyKeyInUse()
        time.sleep(POLL_S)


def _attempt(key: RequestKey, work: Callable[[], tuple[int, bytes]]) -> Answer | None:
    """The answer; None while another request holds the key's lease."""
    with transaction.atomic(durable=True):
        claim = _claim(key)
        if claim["outcome"] == "running":
            return None
        if claim["outcome"] == "mismatch":
            raise IdempotencyKeyReused()
        if claim["outcome"] == "replay":
            return Answer(status=claim["status"], body=claim["body"].encode(), replayed=True, kept=True)
        status, body = work()
        db.call("idempotency_finish_each", [{"k": key.claim(), "status": status, "body": body.decode()}])
        return Answer(status=status, body=body, kept=True)


def _claim(key: RequestKey) -> dict[str, Any]:
    """Claims the key, waiting at most 2 s for a request that claimed it and has not committed yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{int(WAIT_S * 1000)}ms"])
    try:
        return db.call("idempotency_claim_each", [key.claim()])[0]
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise IdempotencyKeyInUse() from None
        raise


def purge(*, batch: int = 5_000, older_than_days: int = KEPT_DAYS) -> int:
    """Deletes records older than `older_than_days`, at most `batch` a transaction; returns how many."""
    total = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM idempotency_record WHERE ctid = ANY (ARRAY(SELECT ctid FROM idempotency_record"
                " WHERE created < clock_timestamp() - make_interval(days => %s)"
                " AND (state = 'done' OR locked_until < clock_timestamp() - interval '1 day')"
                " LIMIT %s FOR UPDATE SKIP LOCKED))",
                [older_than_days, batch],
            )
            deleted: int = cursor.rowcount
        total += deleted
        if deleted < batch:
            return total
