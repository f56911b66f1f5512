"""What changes rows without asking a gateway."""

from apps.payments.services.customers import create_customer, forget_customer, update_customer
from apps.payments.services.funds import release_funds
from apps.payments.services.intents import update_payment_intent
from apps.payments.services.payment_methods import (
    attach_payment_method,
    create_payment_method,
    detach_payment_method,
    update_payment_method,
)
from apps.payments.services.receipts import receipt_is_due, receipt_was_sent
from apps.payments.services.refunds import update_refund

__all__ = [
    "attach_payment_method",
    "create_customer",
    "create_payment_method",
    "detach_payment_method",
    "forget_customer",
    "receipt_is_due",
    "receipt_was_sent",
    "release_funds",
    "update_customer",
    "update_payment_intent",
    "update_payment_method",
    "update_refund",
]
