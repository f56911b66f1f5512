"""The states of a statement's mail. Sending itself is a flow."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from apps.core import db
from apps.statements import domain
from apps.statements.models import Delivery, Statement

LEASE_S = 120.0


def claim_mail(*, delivery_ids: Sequence[str] | None = None) -> dict[str, Any] | None:
    """The next mail that is due, leased to the caller; None when there is none."""
    command = {"ids": None if delivery_ids is None else list(delivery_ids), "lease_s": LEASE_S}
    taken: dict[str, Any] | None = db.call("statements_claim_mail", [command])[0]["ok"]
    return taken


def mark_sent(delivery: dict[str, Any]) -> None:
    """The mail server took the mail; it is not sent again."""
    with transaction.atomic(durable=True):
        mine = Delivery.objects.filter(id=delivery["id"], state="sending", attempts=delivery["attempts"])
        if mine.update(state="sent", sent_at=Now(), lease_until=None, last_error=""):
            Statement.objects.filter(id=delivery["statement_id"], mailed_at=None).update(mailed_at=Now())


def mark_failed(delivery: dict[str, Any], *, error: str) -> None:
    """The mail is tried again after a pause, or parked after the fifth time."""
    pause = domain.retry_pause(delivery["attempts"])
    state = "parked" if pause is None else "pending"
    mine = Delivery.objects.filter(id=delivery["id"], state="sending", attempts=delivery["attempts"])
    mine.update(state=state, lease_until=None, last_error=error[:500], next_attempt_at=Now() + timedelta(seconds=pause or 0))
