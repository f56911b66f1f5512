"""A refund's metadata is the merchant's; everything else of it is history."""

from uuid import UUID

from apps.merchants.domain import Caller
from apps.payments.domain import requests, rows
from apps.payments.models import Refund
from apps.payments.renderers import objects
from apps.payments.services.changing import changed, given, locked, tell


def update_refund(*, caller: Caller, refund_id: UUID, body: requests.UpdateMetadata, key: str | None) -> Refund:
    """Locks: the refund.  Emits: refund.updated.  Raises: NotFound."""
    refund = changed(locked(Refund, caller=caller, id=refund_id), changes=given(body, "metadata"))
    tell(refund, type="refund.updated", document=objects.refund(rows.of(rows.Refund, refund)), caller=caller, key=key)
    return refund
