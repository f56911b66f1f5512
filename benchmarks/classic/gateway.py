"""The sandbox acquirer, called and waited for."""

import requests
from django.conf import settings
from rest_framework.exceptions import APIException

from benchmarks.classic.models import Attempt, PaymentIntent

_session = requests.Session()


class GatewayUnavailable(APIException):
    status_code = 502
    default_detail = "The gateway did not answer."


def authorize(attempt: Attempt, intent: PaymentIntent) -> dict:
    """What the acquirer says to a capture at once. Repeating it is harmless: the reference is ours."""
    asked = {
        "reference": attempt.id, "payment_method": intent.payment_method.token, "capture": True, "amount": attempt.amount,
        "currency": attempt.currency, "merchant_reference": intent.id,
    }  # fmt: skip
    if intent.return_url:
        asked["return_url"] = intent.return_url
    try:
        answer = _session.post(f"{settings.SANDBOX_URL}/v1/authorize", json=asked, timeout=settings.GATEWAY_TIMEOUT_S)
        answer.raise_for_status()
        told = answer.json()
    except requests.RequestException as error:
        raise GatewayUnavailable() from error
    if (told["reference"], told["amount"], told["currency"]) != (attempt.id, attempt.amount, attempt.currency):
        raise GatewayUnavailable("The gateway answered something else.")
    return told
