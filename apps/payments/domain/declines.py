"""What the customer and the merchant are told when a card is refused."""

_ASK = "Your card was declined."

# By decline code first, else by code.
_MESSAGES = {
    "insufficient_funds": "Your card has insufficient funds.",
    "card_velocity_exceeded": "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
    "payment_intent_authentication_failure": "The provided payment method has failed authentication. Provide a new one to try again.",
    "invalid_payment_method": "The gateway does not know this payment method.",
}

_SELLER = {
    "insufficient_funds": "The bank returned the decline code `insufficient_funds`.",
    "expired_card": "The bank says the card has expired.",
    "processing_error": "The bank could not be reached or answered with an error.",
}


def message(code: str, decline_code: str | None) -> str:
    """For the customer's eyes."""
    return _MESSAGES.get(decline_code or "") or _MESSAGES.get(code) or _ASK


def seller_message(code: str, decline_code: str | None) -> str:
    """For the merchant's eyes."""
    known = _SELLER.get(decline_code or "") or _SELLER.get(code)
    return known or f"The bank did not approve the payment (`{decline_code or code}`)."
