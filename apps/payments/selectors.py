"""Questions about payments, for DRF views, services and the apps above. Each takes whose rows."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from apps.core.api.lists import Keyset
from apps.core.errors import InvalidId, NotFound
from apps.core.ids import decode, encode
from apps.payments.models import Attempt, BalanceTransaction, Charge, Customer, PaymentIntent, PaymentMethod, Refund, Transfer
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


def attempt_by_reference(references: Sequence[str]) -> list[dict[str, Any]]:
    """What is known of the gateway references among `references` that are ours: attempt_id, reference,
    kind, state, intent_id, charge_id, refund_id, merchant_id, livemode, amount (minor units), currency,
    and `source`, under which the ledger books it (`ch_…` or `re_…`; None where nothing was to be booked)."""
    known = {id: text for text in references if (id := _attempt_id(text)) is not None}
    fields = ("id", "kind", "state", "intent_id", "charge_id", "refund_id", "merchant_id", "livemode", "amount", "currency")
    rows = list(Attempt.objects.filter(id__in=known).values(*fields))
    for row in rows:
        row["attempt_id"] = row.pop("id")
        row["reference"] = known[row["attempt_id"]]
        row["source"] = _source(row)
    return rows


def _attempt_id(reference: str) -> UUID | None:
    try:
        return decode("att", reference)
    except InvalidId:
        return None


def _source(row: dict[str, Any]) -> str | None:
    if row["kind"] == "refund":
        return encode("re", row["refund_id"])
    captures = row["kind"] in ("authorize", "capture") and row["state"] == "succeeded"
    return encode("ch", row["charge_id"]) if captures else None
