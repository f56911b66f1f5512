"""Questions about payments, for DRF views, services and the apps above. Each takes whose rows."""

from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from apps.core.api.lists import Keyset
from apps.core.errors import NotFound
from apps.core.ids import encode
from apps.payments.models import BalanceTransaction, Charge, Customer, PaymentIntent, PaymentMethod, Refund, Transfer
from apps.payments.models.base import Owned

M = TypeVar("M", bound=Owned)

# What a kind of object is called in errors.
KINDS: dict[type[Owned], str] = {
    PaymentIntent: "payment_intent",
    Charge: "charge",
    Refund: "refund",
    Customer: "customer",
    PaymentMethod: "payment_method",
    Transfer: "transfer",
    BalanceTransaction: "balance_transaction",
}

_JOINED = {
    "customer": "customer",
    "payment_method": "payment_method",
    "latest_charge": "latest_charge",
    "latest_charge.balance_transaction": "latest_charge__balance_transaction",
    "payment_intent": "intent",
    "charge": "charge",
    "balance_transaction": "balance_transaction",
}
# The bounds of a page, as lists name them, in the ORM's words.
_BOUNDS = {"created_gt": "created__gte", "created_gte": "created__gte", "created_lt": "created__lt", "created_lte": "created__lt"}
_BOUNDS |= {"id_from": "id__gte", "id_below": "id__lt"}


def owned(model: type[M], *, merchant_id: UUID, livemode: bool) -> "QuerySet[M, M]":
    """The merchant's objects of that kind in that mode."""
    return model._default_manager.filter(merchant_id=merchant_id, livemode=livemode)


def one(model: type[M], *, merchant_id: UUID, livemode: bool, id: UUID, expand: frozenset[str] = frozenset()) -> M:
    """Raises: NotFound."""
    found = joined(owned(model, merchant_id=merchant_id, livemode=livemode), expand).filter(id=id).first()
    if found is None:
        raise NotFound(kind=KINDS[model], id=encode(model.prefix, id))
    return found


def joined(rows: "QuerySet[M, M]", expand: Iterable[str]) -> "QuerySet[M, M]":
    """`rows` with what `expand` names fetched along."""
    together = [_JOINED[path] for path in expand if path in _JOINED]
    if "refunds" in expand:
        rows = rows.prefetch_related(Prefetch("refunds", queryset=Refund.objects.order_by("-id")))
    return rows.select_related(*together) if together else rows


def window(rows: "QuerySet[M, M]", at: Keyset) -> list[M]:
    """The rows of the page, and one more where there are more."""
    for name, value in at.params.items():
        if name == "cursor":
            rows = rows.filter(id__gt=value) if at.backwards else rows.filter(id__lt=value)
        else:
            rows = rows.filter(**{_BOUNDS[name]: value})
    return list(rows.order_by("id" if at.backwards else "-id")[: at.fetch])


def usable_customer(*, merchant_id: UUID, livemode: bool, id: UUID) -> Customer | None:
    """The customer, if it was not deleted."""
    return owned(Customer, merchant_id=merchant_id, livemode=livemode).filter(id=id, deleted_at=None).first()
