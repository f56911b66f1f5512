"""Every way in which payments refuse.

FlorinError
├── CardDeclined                402  the card's bank, or the gateway, said no
├── UnexpectedState             400  not in this status
│   └── MethodMissing           400
├── IntentBusy                  409  another request is at it
├── GatewayUnavailable          503
└── InvalidRequest              400
    ├── AmountTooLarge · BalanceInsufficient
    ├── ChargeAlreadyRefunded · ChargeNotRefundable
    ├── ReferenceMissing · TransferToSelf
    └── MethodInUse · MethodNotUsable · CustomerMismatch · CustomerDeleted
"""

from typing import Any

from apps.core.errors import FlorinError, InvalidRequest, NotFound


class CardDeclined(FlorinError):
    """The card was refused. `decline_code` is the bank's reason where it gave one; `payment_intent`
    in the error is the intent after the refusal."""

    type = "card_error"
    code = "card_declined"
    status = 402
    message = "{told}"
    also = {
        "authentication_required": "The bank wants the customer to approve the payment, who is not there to do it.",
        "expired_card": "The card has expired.",
        "incorrect_cvc": "The card's security code is not the one the bank knows.",
        "incorrect_number": "There is no card of this number.",
        "invalid_payment_method": "The gateway does not know the payment method.",
        "payment_intent_authentication_failure": "The customer did not approve the payment.",
        "processing_error": "The bank could not be reached or answered with an error; nothing was charged.",
    }

    def __init__(self, *, code: str, decline_code: str | None, told: str, objects: dict[str, Any]) -> None:
        super().__init__(told=told)
        self.code = code  # type: ignore[misc]  # each decline has its own
        self.decline_code = decline_code
        self.objects = objects

    def extra(self) -> dict[str, Any]:
        decline = {"decline_code": self.decline_code} if self.decline_code else {}
        return {**decline, **self.objects}


class UnexpectedState(FlorinError):
    """The payment intent's status does not allow this. The error holds the intent as it is."""

    type = "invalid_request_error"
    code = "payment_intent_unexpected_state"
    status = 400
    message = "You cannot {verb} this payment intent because it has a status of {state}. Only one with {allowed} can be."

    def __init__(self, *, intent: Any, **fields: Any) -> None:
        self.intent = intent
        super().__init__(**fields)

    def extra(self) -> dict[str, Any]:
        return {"payment_intent": self.intent}


class MethodMissing(UnexpectedState):
    """The payment intent has no payment method yet."""

    message = "You cannot confirm this payment intent because it has no payment method. Send one with the confirmation."


class IntentBusy(FlorinError):
    """Another request, or the recovery of one, is at work on the same object. Nothing was done."""

    type = "invalid_request_error"
    code = "lock_timeout"
    status = 409
    message = "Another request is working on this {kind}; try again shortly."

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"}


class GatewayUnavailable(FlorinError):
    """The payment gateway could not be asked. Nothing was done; the request may be repeated."""

    type = "api_error"
    code = "gateway_unavailable"
    status = 503
    message = "The payment gateway cannot be reached at the moment; try again shortly."

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": "5"}


class AmountTooLarge(InvalidRequest):
    """More than there is to capture or to refund (minor units)."""

    code = "amount_too_large"
    message = "{param} is {asked}, but at most {limit} can be {verb}."


class BalanceInsufficient(InvalidRequest):
    """The merchant's balance does not cover the amount; nothing moved."""

    code = "balance_insufficient"
    message = "Your {currency} balance does not cover this amount."


class ChargeAlreadyRefunded(InvalidRequest):
    """Nothing of the charge is left to refund."""

    code = "charge_already_refunded"
    message = "Charge {id} has already been refunded."


class ChargeNotRefundable(InvalidRequest):
    """The charge failed or was never captured, so there is nothing to give back."""

    code = "charge_not_refundable"
    message = "Charge {id} has not been captured, so there is nothing to refund."


class ReferenceMissing(NotFound):
    """A parameter names an object that this merchant does not have."""

    status = 400


class TransferToSelf(InvalidRequest):
    """A transfer needs two merchants."""

    code = "transfer_to_self"
    message = "The destination of a transfer must be another merchant."


class MethodInUse(InvalidRequest):
    """The payment method belongs to another customer already."""

    code = "payment_method_in_use"
    message = "This payment method is already attached to a customer."


class MethodNotUsable(InvalidRequest):
    """The payment method was detached from its customer and cannot be used again."""

    code = "payment_method_unexpected_state"
    message = "This payment method was detached or is unknown to its gateway and cannot be used."


class CustomerMismatch(InvalidRequest):
    """The payment method belongs to another customer than the payment."""

    code = "payment_method_customer_mismatch"
    message = "This payment method belongs to another customer."


class CustomerDeleted(InvalidRequest):
    """The customer was deleted; its history can be read, but nothing new refers to it."""

    code = "customer_deleted"
    message = "This customer was deleted."
