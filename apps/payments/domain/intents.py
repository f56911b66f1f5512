"""What becomes of a payment when its gateway has answered.

Pure functions from the rows as they are and a checked reply to the rows as they will be: the
answer, the events and the postings are made of the result before anything is written, and the
database takes it only if the rows are still those (their `version`).
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from apps.core.ids import encode
from apps.payments.domain import declines, fees, postings, rows
from apps.payments.domain.replies import Reply
from apps.payments.domain.rows import Attempt, AttemptState, BalanceTransaction, Charge, Customer, Funds, Intent, PaymentMethod, changed
from apps.payments.domain.states import MOVES, Outcome, after


class Held(Struct, frozen=True, kw_only=True):
    """A payment whose gateway was asked. `charge` is the one a capture or void is about."""

    attempt: Attempt
    intent: Intent
    charge: Charge | None = None
    method: PaymentMethod | None = None
    customer: Customer | None = None


class Terms(Struct, frozen=True, kw_only=True):
    """When it is (business time), what the merchant's plan says, and ids for the rows to come."""

    now: datetime
    today: date
    basis_points: int
    fixed_minor: int
    availability_days: int
    transaction_id: UUID
    entry_id: UUID


class Settled(Struct, frozen=True, kw_only=True):
    """The rows after the answer; None where nothing changes. `events` are (type, object) pairs in
    order; `refusal` is the code and decline code that the merchant is told, if it was a no."""

    attempt: Attempt
    intent: Intent
    charge: Charge | None = None
    method: PaymentMethod | None = None
    transaction: BalanceTransaction | None = None
    funds: Funds | None = None
    entry: dict[str, Any] | None = None
    events: tuple[tuple[str, str], ...] = ()
    refusal: tuple[str, str | None] | None = None


def settle(held: Held, reply: Reply, terms: Terms) -> Settled:
    """The one way from a reply to rows. Raises ImpossibleMove for a reply that cannot be true."""
    if reply.verdict == "unknown":
        return _unknown(held)
    return _BY_KIND[held.attempt.kind](held, reply, terms)


def _ended(attempt: Attempt, state: AttemptState, reply: Reply) -> Attempt:
    network = reply.network_reference or attempt.network_reference
    return changed(attempt, state=state, code=reply.code, decline_code=reply.decline_code, network_reference=network)


def _unknown(held: Held) -> Settled:
    """The intent waits in `processing`; said once, however often the gateway stays silent."""
    intent = held.intent
    events: tuple[tuple[str, str], ...] = ()
    if intent.status != "processing":
        intent = changed(intent, status=after(intent.status, "unknown"))
        events = (("payment_intent.processing", "intent"),)
    return Settled(attempt=changed(held.attempt, state="unknown"), intent=intent, charge=held.charge, method=held.method, events=events)


def _authorize(held: Held, reply: Reply, terms: Terms) -> Settled:
    method = _described(held, reply)
    if reply.verdict == "challenged" and held.attempt.off_session:
        # Nobody is there to act: for a payment off session a challenge is a refusal.
        reply = Reply(verdict="declined", code="authentication_required", decline_code="authentication_required", card=reply.card)
    if reply.verdict == "challenged":
        return _challenged(held, reply, method)
    if reply.verdict == "declined":
        return _declined(held, reply, method, terms)
    return _approved(held, reply, method, terms)


def _described(held: Held, reply: Reply) -> PaymentMethod | None:
    """The payment method with what the gateway says of its card, and kept for the customer when
    the payment was to set up later ones."""
    method = held.method
    if method is None:
        return None
    changes: dict[str, Any] = {}
    if reply.card is not None and method.card != reply.card:
        changes["card"] = reply.card
    keep = held.intent.setup_future_usage and held.intent.customer_id and reply.verdict in ("captured", "authorized")
    if keep and method.customer_id is None:
        changes["customer_id"] = held.intent.customer_id
    return changed(method, **changes) if changes else method


def _challenged(held: Held, reply: Reply, method: PaymentMethod | None) -> Settled:
    attempt = _ended(held.attempt, "waiting", reply)
    if held.intent.status == "requires_action":
        return Settled(attempt=attempt, intent=held.intent, method=method)
    action = {"type": "redirect_to_url", "redirect_to_url": {"url": reply.redirect_url, "return_url": held.intent.return_url}}
    intent = changed(held.intent, status=after(held.intent.status, "challenged"), next_action=action)
    return Settled(attempt=attempt, intent=intent, method=method, events=(("payment_intent.requires_action", "intent"),))


def _declined(held: Held, reply: Reply, method: PaymentMethod | None, terms: Terms) -> Settled:
    """The intent may be tried again with another payment method. A charge exists only where the
    gateway knows of the try."""
    code, intent = reply.code or "card_declined", held.intent
    charge = _charge(held, reply, method, terms, failed=True) if reply.card else None
    problem = {
        "code": code,
        "decline_code": reply.decline_code,
        "message": declines.message(code, reply.decline_code),
        "charge_id": str(charge.id) if charge else None,
        "payment_method": rows.columns(method) if method else None,
    }
    intent = changed(
        intent,
        status=after(intent.status, "declined"),
        next_action=None,
        last_payment_error=problem,
        payment_method_id=None,
        latest_charge_id=charge.id if charge else intent.latest_charge_id,
    )
    events = (*((("charge.failed", "charge"),) if charge else ()), ("payment_intent.payment_failed", "intent"))
    return Settled(
        attempt=_ended(held.attempt, "failed", reply),
        intent=intent,
        charge=charge,
        method=method,
        events=events,
        refusal=(code, reply.decline_code),
    )


def _approved(held: Held, reply: Reply, method: PaymentMethod | None, terms: Terms) -> Settled:
    attempt = _ended(held.attempt, "succeeded", reply)
    captured = reply.verdict == "captured"
    charge = _charge(held, reply, method, terms, captured=captured)
    intent = changed(
        held.intent,
        status=after(held.intent.status, "captured" if captured else "authorized"),
        amount_capturable=charge.amount - charge.amount_captured,
        amount_received=charge.amount_captured,
        latest_charge_id=charge.id,
        next_action=None,
        last_payment_error=None,
    )
    if captured:
        return _booked(attempt, intent, charge, method, terms, event="charge.succeeded")
    events = (("charge.succeeded", "charge"), ("payment_intent.amount_capturable_updated", "intent"))
    return Settled(attempt=attempt, intent=intent, charge=charge, method=method, events=events)


def _charge(
    held: Held, reply: Reply, method: PaymentMethod | None, terms: Terms, *, captured: bool = False, failed: bool = False
) -> Charge:
    intent, attempt = held.intent, held.attempt
    assert attempt.charge_id is not None  # noqa: S101  (every authorisation names the charge it may make)
    code = reply.code or "card_declined" if failed else None
    return Charge(
        id=attempt.charge_id,
        merchant_id=intent.merchant_id,
        livemode=intent.livemode,
        version=1,
        created=terms.now,
        intent_id=intent.id,
        attempt_id=attempt.id,
        customer_id=intent.customer_id,
        payment_method_id=method.id if method else None,
        balance_transaction_id=terms.transaction_id if captured else None,
        status="failed" if failed else "succeeded",
        amount=attempt.amount,
        amount_captured=attempt.amount if captured else 0,
        amount_refunded=0,
        amount_refund_pending=0,
        captured=captured,
        currency=attempt.currency,
        failure_code=code,
        failure_message=declines.message(code, reply.decline_code) if code else None,
        decline_code=reply.decline_code,
        network_reference=reply.network_reference,
        card=reply.card,
        billing_details=method.billing_details if method else {},
        description=intent.description,
        statement_descriptor=intent.statement_descriptor,
        statement_descriptor_suffix=intent.statement_descriptor_suffix,
        receipt_email=intent.receipt_email,
        metadata=intent.metadata,
        shipping=intent.shipping,
        transfer_group=intent.transfer_group,
    )


def _booked(attempt: Attempt, intent: Intent, charge: Charge, method: PaymentMethod | None, terms: Terms, *, event: str) -> Settled:
    """The rows are as they will be, the charge captured: its money is ours to book."""
    transaction = _transaction(charge, terms)
    return Settled(
        attempt=attempt,
        intent=intent,
        charge=charge,
        method=method,
        transaction=transaction,
        funds=_funds(charge, transaction),
        entry=_capture_entry(charge, transaction, attempt.gateway),
        events=((event, "charge"), ("payment_intent.succeeded", "intent")),
    )


def _transaction(charge: Charge, terms: Terms) -> BalanceTransaction:
    amount = charge.amount_captured
    fee = fees.fee_for(amount, basis_points=terms.basis_points, fixed_minor=terms.fixed_minor)
    return BalanceTransaction(
        id=terms.transaction_id,
        merchant_id=charge.merchant_id,
        livemode=charge.livemode,
        created=terms.now,
        type="charge",
        amount=amount,
        fee=fee,
        net=amount - fee,
        currency=charge.currency,
        available_on=fees.available_on(terms.today, business_days=terms.availability_days),
        # Where the fee takes all of it, nothing is left to wait for.
        released=amount == fee,
        source=encode("ch", charge.id),
        entry_id=terms.entry_id,
        description=charge.description,
    )


def _funds(charge: Charge, transaction: BalanceTransaction) -> Funds:
    return Funds(
        charge_id=charge.id,
        merchant_id=charge.merchant_id,
        livemode=charge.livemode,
        balance_transaction_id=transaction.id,
        currency=charge.currency,
        available_on=transaction.available_on,
        amount=transaction.net,
        remaining=transaction.net,
    )


def _capture_entry(charge: Charge, transaction: BalanceTransaction, gateway: str) -> dict[str, Any]:
    book = postings.Book(charge.merchant_id, charge.livemode, charge.currency)
    moved = postings.capture(book, gateway=gateway, gross=transaction.amount, fee=transaction.fee)
    return postings.entry("capture", id=transaction.entry_id, source=transaction.source, livemode=charge.livemode, postings=moved)


def _capture(held: Held, reply: Reply, terms: Terms) -> Settled:
    if reply.verdict == "captured" and held.charge is not None:
        # The rest of a part-captured authorisation is released by the gateway.
        amount = held.attempt.amount
        charge = changed(held.charge, captured=True, amount_captured=amount, balance_transaction_id=terms.transaction_id)
        status = after(held.intent.status, "captured")
        intent = changed(held.intent, status=status, amount_capturable=0, amount_received=amount)
        return _booked(_ended(held.attempt, "succeeded", reply), intent, charge, held.method, terms, event="charge.captured")
    return _refused(held, reply, "capture_refused")


def _void(held: Held, reply: Reply, terms: Terms) -> Settled:
    if reply.verdict != "voided":
        # Without a charge nothing was held: its customer was at the bank's page, and still is.
        return _refused(held, reply, "void_refused" if held.charge else "withdrawal_refused")
    intent = changed(
        held.intent,
        status=after(held.intent.status, "voided"),
        amount_capturable=0,
        next_action=None,
        canceled_at=terms.now,
        cancellation_reason=held.attempt.request.get("reason"),
    )
    attempt = _ended(held.attempt, "succeeded", reply)
    return Settled(attempt=attempt, intent=intent, charge=held.charge, method=held.method, events=(("payment_intent.canceled", "intent"),))


def _refused(held: Held, reply: Reply, outcome: Outcome) -> Settled:
    """The gateway would not capture or void: the payment is where it was, or where it got meanwhile
    (the customer at the bank's page may be faster than a cancellation)."""
    intent = held.intent
    origins, back = MOVES[outcome]
    if intent.status in origins and intent.status != back:
        intent = changed(intent, status=back)
    attempt = _ended(held.attempt, "failed", reply)
    refusal = (reply.code or outcome, reply.decline_code)
    return Settled(attempt=attempt, intent=intent, charge=held.charge, method=held.method, refusal=refusal)


_BY_KIND: dict[str, Callable[[Held, Reply, Terms], Settled]] = {"authorize": _authorize, "capture": _capture, "void": _void}


def canceled(intent: Intent, *, now: datetime, reason: str | None) -> Intent:
    """An intent for which nothing is held at a gateway, canceled."""
    return changed(intent, status="canceled", next_action=None, canceled_at=now, cancellation_reason=reason)
