"""What the API's objects look like, for its documents. The requests are in `domain/requests.py`, the
renderers beside this, in `objects.py`."""

from typing import Any, Literal

from apps.core.api.types import ObjectShape
from apps.payments.domain.states import Status

Reference = str | None
Expandable = str | dict[str, Any] | None
Hash = dict[str, Any]


class Customer(ObjectShape):
    """Somebody who pays."""

    id: str
    object: Literal["customer"]
    address: Hash | None
    balance: int
    created: int
    currency: str | None
    default_source: Reference
    delinquent: bool
    description: str | None
    discount: Hash | None
    email: str | None
    invoice_settings: Hash
    livemode: bool
    metadata: dict[str, str]
    name: str | None
    phone: str | None
    preferred_locales: list[str]
    shipping: Hash | None
    tax_exempt: str


class DeletedCustomer(ObjectShape):
    """A customer that was deleted."""

    id: str
    object: Literal["customer"]
    deleted: bool


class PaymentMethod(ObjectShape):
    """A card, as a token of the gateway. `card` is known once the gateway has described it."""

    id: str
    object: Literal["payment_method"]
    allow_redisplay: str
    billing_details: Hash
    card: Hash | None
    created: int
    customer: Expandable
    livemode: bool
    metadata: dict[str, str]
    type: Literal["card"]


class PaymentIntent(ObjectShape):
    """A payment from the first wish to the last word of the gateway. Amounts are minor units."""

    id: str
    object: Literal["payment_intent"]
    amount: int
    amount_capturable: int
    amount_received: int
    automatic_payment_methods: Hash | None
    canceled_at: int | None
    cancellation_reason: str | None
    capture_method: Literal["automatic", "automatic_async", "manual"]
    client_secret: str
    confirmation_method: Literal["automatic", "manual"]
    created: int
    currency: str
    customer: Expandable
    description: str | None
    last_payment_error: Hash | None
    latest_charge: Expandable
    livemode: bool
    metadata: dict[str, str]
    next_action: Hash | None
    payment_method: Expandable
    payment_method_options: Hash
    payment_method_types: list[str]
    processing: Hash | None
    receipt_email: str | None
    setup_future_usage: str | None
    shipping: Hash | None
    statement_descriptor: str | None
    statement_descriptor_suffix: str | None
    status: Status
    transfer_group: str | None


class Charge(ObjectShape):
    """One try to take money, and what became of it."""

    id: str
    object: Literal["charge"]
    amount: int
    amount_captured: int
    amount_refunded: int
    balance_transaction: Expandable
    billing_details: Hash
    calculated_statement_descriptor: str | None
    captured: bool
    created: int
    currency: str
    customer: Expandable
    description: str | None
    disputed: bool
    failure_balance_transaction: Reference
    failure_code: str | None
    failure_message: str | None
    fraud_details: Hash
    livemode: bool
    metadata: dict[str, str]
    outcome: Hash
    paid: bool
    payment_intent: Expandable
    payment_method: Reference
    payment_method_details: Hash | None
    receipt_email: str | None
    receipt_number: str | None
    receipt_url: str | None
    refunded: bool
    shipping: Hash | None
    statement_descriptor: str | None
    statement_descriptor_suffix: str | None
    status: Literal["succeeded", "failed"]
    transfer_group: str | None


class Refund(ObjectShape):
    """Money given back. `pending` until the gateway has said yes or no."""

    id: str
    object: Literal["refund"]
    amount: int
    balance_transaction: Expandable
    charge: Expandable
    created: int
    currency: str
    destination_details: Hash
    metadata: dict[str, str]
    payment_intent: Expandable
    reason: str | None
    receipt_number: str | None
    source_transfer_reversal: Reference
    status: Literal["pending", "succeeded", "failed"]
    transfer_reversal: Reference
    failure_reason: str | None = None


class Transfer(ObjectShape):
    """Money from one merchant of the platform to another."""

    id: str
    object: Literal["transfer"]
    amount: int
    amount_reversed: int
    balance_transaction: Expandable
    created: int
    currency: str
    description: str | None
    destination: str
    livemode: bool
    metadata: dict[str, str]
    reversed: bool
    source_transaction: Reference
    source_type: str
    transfer_group: str | None


class BalanceTransaction(ObjectShape):
    """One movement of the balance: `amount` − `fee` = `net`, signed. `available_on` is the day (UTC
    midnight, Unix seconds) from which it can be used."""

    id: str
    object: Literal["balance_transaction"]
    amount: int
    available_on: int
    created: int
    currency: str
    description: str | None
    exchange_rate: float | None
    fee: int
    fee_details: list[Hash]
    net: int
    reporting_category: str
    source: str
    status: Literal["available", "pending"]
    type: Literal["charge", "refund", "transfer", "payment"]


class Balance(ObjectShape):
    """What the merchant has, per currency, minor units. Money held for a pending refund is not counted."""

    object: Literal["balance"]
    available: list[Hash]
    livemode: bool
    pending: list[Hash]
