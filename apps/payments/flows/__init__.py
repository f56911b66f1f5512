"""Payments as stories: begin (commit who asks and what), ask the gateway, record what it said.

Between begin and record nothing is open and nothing is lost: whoever comes next (the client with the
same key, or the recovery task) goes on from the attempt that begin committed.
"""

from apps.payments.flows.intents import (
    cancel_payment_intent,
    capture_payment_intent,
    confirm_payment_intent,
    create_payment_intent,
)
from apps.payments.flows.reading import list_payment_intents, retrieve_balance, retrieve_payment_intent
from apps.payments.flows.receipts import send_receipt
from apps.payments.flows.recovery import recover_attempt, recover_due
from apps.payments.flows.refunds import create_refund
from apps.payments.flows.tokens import describe_token
from apps.payments.flows.transfers import create_transfer

__all__ = [
    "cancel_payment_intent",
    "capture_payment_intent",
    "confirm_payment_intent",
    "create_payment_intent",
    "create_refund",
    "create_transfer",
    "describe_token",
    "list_payment_intents",
    "recover_attempt",
    "recover_due",
    "retrieve_balance",
    "retrieve_payment_intent",
    "send_receipt",
]
