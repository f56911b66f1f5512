"""One receipt a charge, whatever is repeated."""

from uuid import UUID

from django.db.models.functions import Now

from apps.payments.models import Receipt


def receipt_is_due(*, charge_id: UUID, email: str) -> bool:
    """Whether the receipt still has to be sent; notes that it is being sent."""
    receipt, _ = Receipt.objects.get_or_create(charge_id=charge_id, defaults={"email": email})
    return receipt.sent_at is None


def receipt_was_sent(*, charge_id: UUID) -> None:
    """The receipt is not sent again. Says nothing where it was noted before."""
    Receipt.objects.filter(charge_id=charge_id, sent_at=None).update(sent_at=Now())
