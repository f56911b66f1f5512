"""What becomes of a refund when its gateway has answered."""

from typing import Any

from msgspec import Struct

from apps.core.ids import encode
from apps.payments.domain import postings
from apps.payments.domain.intents import Terms
from apps.payments.domain.replies import Reply
from apps.payments.domain.rows import Attempt, BalanceTransaction, Charge, Refund, changed


class HeldRefund(Struct, frozen=True, kw_only=True):
    """A refund whose gateway was asked; its money is on hold in the ledger."""

    attempt: Attempt
    refund: Refund
    charge: Charge


class SettledRefund(Struct, frozen=True, kw_only=True):
    """The rows after the answer; as in `intents.Settled`."""

    attempt: Attempt
    refund: Refund
    charge: Charge
    transaction: BalanceTransaction | None = None
    entry: dict[str, Any] | None = None
    events: tuple[tuple[str, str], ...] = ()


def settle(held: HeldRefund, reply: Reply, terms: Terms) -> SettledRefund:
    """Refunded: the held money is gone. Declined: it is the merchant's again. Unknown: it stays on
    hold, and the refund pending."""
    if reply.verdict == "unknown":
        return SettledRefund(attempt=changed(held.attempt, state="unknown"), refund=held.refund, charge=held.charge)
    network = reply.network_reference or held.attempt.network_reference
    attempt = changed(held.attempt, code=reply.code, decline_code=reply.decline_code, network_reference=network, state="failed")
    if reply.verdict == "refunded":
        return _refunded(held, changed(attempt, version=attempt.version, state="succeeded"), terms)
    return _failed(held, attempt, reply, terms)


def _refunded(held: HeldRefund, attempt: Attempt, terms: Terms) -> SettledRefund:
    refund, charge = held.refund, held.charge
    transaction = _transaction(refund, terms)
    book = postings.Book(refund.merchant_id, refund.livemode, refund.currency)
    moved = postings.refund(book, gateway=attempt.gateway, from_available=refund.from_available, from_pending=refund.from_pending)
    return SettledRefund(
        attempt=attempt,
        refund=changed(refund, status="succeeded", balance_transaction_id=transaction.id),
        charge=changed(
            charge,
            amount_refunded=charge.amount_refunded + refund.amount,
            amount_refund_pending=charge.amount_refund_pending - refund.amount,
        ),
        transaction=transaction,
        entry=_entry("refund", refund, terms, postings=moved, settles=_settles(refund, "posted")),
        events=(("charge.refunded", "charge"), ("refund.updated", "refund")),
    )


def _failed(held: HeldRefund, attempt: Attempt, reply: Reply, terms: Terms) -> SettledRefund:
    refund, charge = held.refund, held.charge
    return SettledRefund(
        attempt=attempt,
        refund=changed(refund, status="failed", failure_reason=_reason(reply)),
        charge=changed(charge, amount_refund_pending=charge.amount_refund_pending - refund.amount),
        entry=_entry("refund_release", refund, terms, postings=[], settles=_settles(refund, "released")),
        events=(("refund.updated", "refund"), ("refund.failed", "refund")),
    )


def _reason(reply: Reply) -> str:
    """In the words of the API's enum."""
    return "declined" if reply.code == "refund_failed" else "unknown"


def _transaction(refund: Refund, terms: Terms) -> BalanceTransaction:
    return BalanceTransaction(
        id=terms.transaction_id,
        merchant_id=refund.merchant_id,
        livemode=refund.livemode,
        created=terms.now,
        type="refund",
        amount=-refund.amount,
        net=-refund.amount,
        currency=refund.currency,
        available_on=terms.today,
        released=True,
        source=encode("re", refund.id),
        entry_id=terms.entry_id,
        description="Refund of " + encode("ch", refund.charge_id),
    )


def _entry(kind: str, refund: Refund, terms: Terms, **parts: Any) -> dict[str, Any]:
    return postings.entry(kind, id=terms.entry_id, source=encode("re", refund.id), livemode=refund.livemode, **parts)


def _settles(refund: Refund, how: str) -> list[dict[str, str]]:
    parts = ((refund.from_available, refund.available_hold_id), (refund.from_pending, refund.pending_hold_id))
    return [{"id": str(hold), "as": how} for amount, hold in parts if amount]
