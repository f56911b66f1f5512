"""One function a resource, used by the hot views, the DRF views and the events alike.

A reference is an id, or the whole object where the caller asked to expand it and its row is given. What hot reads
show in pages are the structs of `shapes.py`, the rest are dicts; apps.core.documents encodes both.
"""

from typing import Any
from uuid import UUID

from msgspec.structs import asdict

from apps.core.documents import raw
from apps.core.ids import encode
from apps.payments.domain import rows
from apps.payments.domain.rows import BalanceTransaction, Charge, Customer, Intent, PaymentMethod, Refund, Transfer
from apps.payments.renderers import parts, shapes
from apps.payments.renderers.parts import day, ref, second, seconds

Json = dict[str, Any]

# Members that are the same in every object, as JSON.
_NOTHING: Any = raw({})
_NONE: Any = raw([])
_CARD: Any = raw(["card"])


def customer(row: Customer) -> shapes.Customer:
    return shapes.Customer(
        encode("cus", row.id),
        "customer",  # object
        parts.address(row.address),
        0,  # balance
        second(row.created),
        None,  # currency
        None,  # default_source
        False,  # delinquent
        row.description,
        None,  # discount
        row.email,
        {"default_payment_method": ref("pm", row.default_payment_method_id)},  # invoice_settings
        row.livemode,
        parts.as_it_is(row.metadata),
        row.name,
        row.phone,
        _NONE,  # preferred_locales
        parts.shipping(row.shipping),
        "none",  # tax_exempt
    )


def deleted_customer(id: UUID) -> Json:
    return {"id": encode("cus", id), "object": "customer", "deleted": True}


def _customer_ref(id: UUID | None, expanded: Customer | None) -> Any:
    if expanded is None:
        return ref("cus", id)
    return deleted_customer(expanded.id) if expanded.deleted_at else customer(expanded)


def payment_method(row: PaymentMethod, *, customer: Customer | None = None) -> shapes.PaymentMethod:
    return shapes.PaymentMethod(
        encode("pm", row.id),
        "payment_method",  # object
        "unspecified",  # allow_redisplay
        parts.billing_details(row.billing_details),
        parts.card(row.card),
        second(row.created),
        _customer_ref(row.customer_id, customer),
        row.livemode,
        parts.as_it_is(row.metadata),
        "card",  # type
    )


@parts.of_json
def _last_payment_error(problem: Json) -> Json:
    """The last refusal, with the payment method as it was then."""
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
) -> shapes.PaymentIntent:
    latest: Any = ref("ch", row.latest_charge_id) if charge is None else render_charge(charge, transaction=transaction)
    paid_with: Any = ref("pm", row.payment_method_id) if method is None else payment_method(method)
    return shapes.PaymentIntent(
        encode("pi", row.id),
        "payment_intent",  # object
        row.amount,
        row.amount_capturable,
        row.amount_received,
        parts.as_it_is(row.automatic_payment_methods),
        seconds(row.canceled_at),
        row.cancellation_reason,
        row.capture_method,
        row.client_secret,
        row.confirmation_method,
        second(row.created),
        row.currency,
        _customer_ref(row.customer_id, customer),
        row.description,
        _last_payment_error(row.last_payment_error),
        latest,  # latest_charge
        row.livemode,
        parts.as_it_is(row.metadata),
        parts.as_it_is(row.next_action) if row.status == "requires_action" else None,
        paid_with,  # payment_method
        parts.as_it_is(row.payment_method_options),
        _CARD,  # payment_method_types
        None,  # processing
        row.receipt_email,
        row.setup_future_usage,
        parts.shipping(row.shipping),
        row.statement_descriptor,
        row.statement_descriptor_suffix,
        row.status,
        row.transfer_group,
    )


class _WithRefunds(shapes.Charge, kw_only=True, gc=False):
    refunds: Json


def render_charge(
    row: Charge,
    *,
    customer: Customer | None = None,
    intent: Intent | None = None,
    transaction: BalanceTransaction | None = None,
    refunds: list[Refund] | None = None,
) -> shapes.Charge:
    of: Any = encode("pi", row.intent_id) if intent is None else payment_intent(intent)
    document = shapes.Charge(
        encode("ch", row.id),
        "charge",  # object
        row.amount,
        row.amount_captured,
        row.amount_refunded,
        ref("txn", row.balance_transaction_id) if transaction is None else balance_transaction(transaction),
        parts.billing_details(row.billing_details),
        row.statement_descriptor,  # calculated_statement_descriptor
        row.captured,
        second(row.created),
        row.currency,
        _customer_ref(row.customer_id, customer),
        row.description,
        False,  # disputed
        None,  # failure_balance_transaction
        row.failure_code,
        row.failure_message,
        _NOTHING,  # fraud_details
        row.livemode,
        parts.as_it_is(row.metadata),
        parts.outcome(row.status, row.failure_code, row.decline_code),
        row.status == "succeeded",  # paid
        of,  # payment_intent
        ref("pm", row.payment_method_id),  # payment_method
        parts.card_payment(row.card, row.amount, row.network_reference),  # payment_method_details
        row.receipt_email,
        None,  # receipt_number
        None,  # receipt_url
        row.captured and row.amount_refunded == row.amount_captured,  # refunded
        parts.shipping(row.shipping),
        row.statement_descriptor,
        row.statement_descriptor_suffix,
        row.status,
        row.transfer_group,
    )
    if refunds is not None:
        url = f"/v1/charges/{document.id}/refunds"
        page = {"object": "list", "data": [refund(one) for one in refunds], "has_more": False, "url": url}
        return _WithRefunds(**asdict(document), refunds=page)
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
        "created": second(row.created),
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
        "created": second(row.created),
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
        "created": second(row.created),
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
