"""What the loads work on: merchants with keys, money to transfer and payments to read."""

import secrets

from django.db import transaction

from benchmarks.classic import ledger, payments
from benchmarks.classic.authentication import hashed
from benchmarks.classic.models import ApiKey, Merchant

MERCHANTS = 16
INTENTS = 200
_MONEY = 1_000_000_000
_CARD = {
    "brand": "visa", "country": "US", "exp_month": 12, "exp_year": 2034, "fingerprint": "visa4242", "funding": "credit", "last4": "4242"
}  # fmt: skip


@transaction.atomic
def lay() -> dict[str, list[str]]:
    """Fresh merchants; the first has money and paid intents. Gives the fields of Targets."""
    merchants = [Merchant.objects.create(name=f"Bench {number}") for number in range(MERCHANTS)]
    secrets_ = [_issue(merchant) for merchant in merchants]
    endowed = [ledger.Movement("bank", _MONEY), ledger.Movement("available", -_MONEY, merchants[0])]
    ledger.post("adjustment", merchants[0].id, endowed, currency="eur", livemode=False)
    key = ApiKey.objects.select_related("merchant").get(merchant=merchants[0])
    intents = [_paid(key) for _ in range(INTENTS)]
    return {"keys": secrets_, "accounts": [merchant.id for merchant in merchants[1:]], "intents": intents}


def _issue(merchant: Merchant) -> str:
    secret = f"sk_test_{secrets.token_hex(20)}"
    ApiKey.objects.create(merchant=merchant, sha256=hashed(secret))
    return secret


def _paid(key: ApiKey) -> str:
    asked = {"amount": 1999, "currency": "eur", "payment_method": "pm_card_visa", "metadata": {"order": "A-1001"}}
    intent, _ = payments.create_intent(key, asked)
    told = {"status": "captured", "card": _CARD, "network_reference": secrets.token_hex(8)}
    return payments.settle(payments.begin(intent), told)["id"]
