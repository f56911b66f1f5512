"""One function a resource, used by the hot views, the DRF views and the events alike.

A reference is an id, or the whole object where the caller asked to expand it and its row is given.
"""

from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from apps.core.ids import encode
from apps.payments.domain import declines, rows
from apps.payments.domain.replies import Card
from apps.payments.domain.rows import BalanceTransaction, Charge, Customer, Intent, PaymentMethod, Refund, Transfer

Json = dict[str, Any]

_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")
_NO_CHECKS = {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": None}


def ref(prefix: str, id: UUID | None) -> str | None:
    return None if id is None else encode(prefix, id)


def seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())


def day(on: date) -> int:
    return int(datetime.combine(on, time(), UTC).timestamp())


def address(given: Json | None) -> Json | None:
    return None if given is None else {name: given.get(name) for name in _ADDRESS}


def shipping(given: Json | None) -> Json | None:
    if given is None:
        return None
    rest = {name: given.get(name) for name in ("carrier", "name", "phone", "tracking_number")}
    return {"address": address(given.get("address")), **rest}


def billing_details(given: Json) -> Json:
    rest = {name: given.get(name) for name in ("email", "name", "phone", "tax_id")}
    return {"address": address(given.get("address") or {}), **rest}


def customer(row: Customer) -> Json:
    return {
        "id": encode("cus", row.id),
        "object": "customer",
        "address": address(row.address),
        "balance": 0,
        "created": int(row.created.timestamp()),
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": row.description,
        "discount": None,
        "email": row.email,
        "invoice_settings": {"default_payment_method": ref("pm", row.default_payment_method_id)},
        "livemode": row.livemode,
        "metadata": row.metadata,
        "name": row.name,
        "phone": row.phone,
        "preferred_locales": [],
        "shipping": shipping(row.shipping),
        "tax_exempt": "none",
    }


def deleted_customer(id: UUID) -> Json:
    return {"id": encode("cus", id), "object": "customer", "deleted": True}


def _customer_ref(id: UUID | None, expanded: Customer | None) -> str | Json | None:
    if expanded is None:
        return ref("cus", id)
    return deleted_customer(expanded.id) if expanded.deleted_at else customer(expanded)


def _card(card: Card) -> Json:
    return {
        "brand": card.brand,
        "checks": _NO_CHECKS,
        "country": card.country,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "last4": card.last4,
    }


def payment_method(row: PaymentMethod, *, customer: Customer | None = None) -> Json:
    card = None
    if row.card is not None:
        networks = {"available": [row.card.brand], "preferred": None}
        extra = {"display_brand": row.card.brand, "networks": networks, "three_d_secure_usage": {"supported": True}, "wallet": None}
        card = {**_card(row.card), **extra}
    return {
        "id": encode("pm", row.id),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(row.billing_details),
        "card": card,
        "created": int(row.created.timestamp()),
        "customer": _customer_ref(row.customer_id, customer),
        "livemode": row.livemode,
        "metadata": row.metadata,
        "type": "card",
    }


def _last_payment_error(problem: Json | None) -> Json | None:
    """The last refusal, with the payment method as it was then."""
    if problem is None:
        return None
    charge = {"charge": encode("ch", UUID(problem["charge_id"]))} if problem["charge_id"] else {}
    method = {}
    if problem["payment_method"]:
        method = {"payment_method": payment_method(rows.read(PaymentMethod, problem["payment_method"]))}
    decline = {"decline_code": problem["decline_code"]} if problem["decline_code"] else {}
    return {**charge, "code": problem["code"], **decline, "message": problem["message"], **method, "type": "card_error"}


def payment_intent(
    row: Intent,
    *,
    customer: Customer | None = None,
    method: PaymentMethod | None = None,
    charge: Charge | None = None,
    transaction: BalanceTransaction | None = None,
) -> Json:
    latest = ref("ch", row.latest_charge_id) if charge is None else render_charge(charge, transaction=transaction)
    return {
        "id": encode("pi", row.id),
        "object": "payment_intent",
        "amount": row.amount,
        "amount_capturable": row.amount_capturable,
        "amount_received": row.amount_received,
        "automatic_payment_methods": row.automatic_payment_methods,
        "canceled_at": seconds(row.canceled_at),
        "cancellation_reason": row.cancellation_reason,
        "capture_method": row.capture_method,
        "client_secret": row.client_secret,
        "confirmation_method": row.confirmation_method,
        "created": int(row.created.timestamp()),
        "currency": row.currency,
        "customer": _customer_ref(row.customer_id, customer),
        "description": row.description,
        "last_payment_error": _last_payment_error(row.last_payment_error),
        "latest_charge": latest,
        "livemode": row.livemode,
        "metadata": row.metadata,
        "next_action": row.next_action if row.status == "requires_action" else None,
        "payment_method": ref("pm", row.payment_method_id) if method is None else payment_method(method),
        "payment_method_options": row.payment_method_options,
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": row.receipt_email,
        "setup_future_usage": row.setup_future_usage,
        "shipping": shipping(row.shipping),
        "statement_descriptor": row.statement_descriptor,
        "statement_descriptor_suffix": row.statement_descriptor_suffix,
        "status": row.status,
        "transfer_group": row.transfer_group,
    }


def _outcome(row: Charge) -> Json:
    if row.status == "succeeded":
        told = {"network_status": "approved_by_network", "reason": None, "seller_message": "Payment complete.", "type": "authorized"}
    else:
        code = row.failure_code or "card_declined"
        told = {
            "network_status": "declined_by_network",
            "reason": row.decline_code or code,
            "seller_message": declines.seller_message(code, row.decline_code),
            "type": "issuer_declined",
        }
    return {"network_decline_code": None, **told}


def _card_details(row: Charge) -> Json | None:
    if row.card is None:
        return None
    details = {"amount_authorized": row.amount, **_card(row.card), "network": row.card.brand}
    return {"card": {**details, "network_transaction_id": row.network_reference, "three_d_secure": None, "wallet": None}, "type": "card"}


def render_charge(
    row: Charge,
    *,
    customer: Customer | None = None,
    intent: Intent | None = None,
    transaction: BalanceTransaction | None = None,
    refunds: list[Refund] | None = None,
) -> Json:
    document = {
        "id": encode("ch", row.id),
        "object": "charge",
        "amount": row.amount,
        "amount_captured": row.amount_captured,
        "amount_refunded": row.amount_refunded,
        "balance_transaction": ref("txn", row.balance_transaction_id) if transaction is None else balance_transaction(transaction),
        "billing_details": billing_details(row.billing_details),
        "calculated_statement_descriptor": row.statement_descriptor,
        "captured": row.captured,
        "created": int(row.created.timestamp()),
        "currency": row.currency,
        "customer": _customer_ref(row.customer_id, customer),
        "description": row.description,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": row.failure_code,
        "failure_message": row.failure_message,
        "fraud_details": {},
        "livemode": row.livemode,
        "metadata": row.metadata,
        "outcome": _outcome(row),
        "paid": row.status == "succeeded",
        "payment_intent": encode("pi", row.intent_id) if intent is None else payment_intent(intent),
        "payment_method": ref("pm", row.payment_method_id),
        "payment_method_details": _card_details(row),
        "receipt_email": row.receipt_email,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": row.captured and row.amount_refunded == row.amount_captured,
        "shipping": shipping(row.shipping),
        "statement_descriptor": row.statement_descriptor,
        "statement_descriptor_suffix": row.statement_descriptor_suffix,
        "status": row.status,
        "transfer_group": row.transfer_group,
    }
    if refunds is not None:
        url = f"/v1/charges/{document['id']}/refunds"
        document["refunds"] = {"object": "list", "data": [refund(one) for one in refunds], "has_more": False, "url": url}
    return document


def refund(
    row: Refund, *, charge: Charge | None = None, intent: Intent | None = None, transaction: BalanceTransaction | None = None
) -> Json:
    document = {
        "id": encode("re", row.id),
        "object": "refund",
        "amount": row.amount,
        "balance_transaction": ref("txn", row.balance_transaction_id) if transaction is None else balance_transaction(transaction),
        "charge": encode("ch", row.charge_id) if charge is None else render_charge(charge),
        "created": int(row.created.timestamp()),
        "currency": row.currency,
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": row.metadata,
        "payment_intent": encode("pi", row.intent_id) if intent is None else payment_intent(intent),
        "reason": row.reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": row.status,
        "transfer_reversal": None,
    }
    if row.failure_reason is not None:
        document["failure_reason"] = row.failure_reason
    return document


def transfer(row: Transfer, *, transaction: BalanceTransaction | None = None) -> Json:
    return {
        "id": encode("tr", row.id),
        "object": "transfer",
        "amount": row.amount,
        "amount_reversed": 0,
        "balance_transaction": encode("txn", row.balance_transaction_id) if transaction is None else balance_transaction(transaction),
        "created": int(row.created.timestamp()),
        "currency": row.currency,
        "description": row.description,
        "destination": encode("acct", row.destination_id),
        "livemode": row.livemode,
        "metadata": row.metadata,
        "reversed": False,
        "source_transaction": None,
        "source_type": "card",
        "transfer_group": row.transfer_group,
    }


def balance_transaction(row: BalanceTransaction) -> Json:
    fees = []
    if row.fee:
        fees = [
            {
                "amount": row.fee,
                "application": None,
                "currency": row.currency,
                "description": "Florin processing fees",
                "type": "stripe_fee",
            }
        ]
    return {
        "id": encode("txn", row.id),
        "object": "balance_transaction",
        "amount": row.amount,
        "available_on": day(row.available_on),
        "created": int(row.created.timestamp()),
        "currency": row.currency,
        "description": row.description,
        "exchange_rate": None,
        "fee": row.fee,
        "fee_details": fees,
        "net": row.net,
        "reporting_category": row.type,
        "source": row.source,
        "status": "available" if row.released else "pending",
        "type": row.type,
    }


def balance(amounts: list[tuple[str, int, int]], *, livemode: bool) -> Json:
    """`amounts`: (currency, available, pending), minor units."""
    kinds: Json = {"available": [], "pending": []}
    for currency, available, pending in amounts:
        for kind, amount in (("available", available), ("pending", pending)):
            kinds[kind].append({"amount": amount, "currency": currency, "source_types": {"card": amount}})
    return {"object": "balance", "available": kinds["available"], "livemode": livemode, "pending": kinds["pending"]}
