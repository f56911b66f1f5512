"""Tables of payments. Rows are written by the SQL functions in `sql/`; these models read them."""

from apps.payments.models.balance import BalanceTransaction, Funds, Receipt, Transfer
from apps.payments.models.intents import Attempt, Charge, PaymentIntent, Refund
from apps.payments.models.parties import Customer, PaymentMethod

__all__ = [
    "Attempt",
    "BalanceTransaction",
    "Charge",
    "Customer",
    "Funds",
    "PaymentIntent",
    "PaymentMethod",
    "Receipt",
    "Refund",
    "Transfer",
]
