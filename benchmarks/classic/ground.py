"""What the loads work on, as Florin's ground has it: merchants with keys and money, paid intents to read."""

import secrets

from django.db import transaction

from benchmarks.classic import ledger, payments
from benchmarks.classic.authentication import hashed
from benchmarks.classic.models import ApiKey, Customer, Merchant

MERCHANTS = 64
INTENTS = 200
CUSTOMERS = 20
_MONEY = 1_000_000_000
_CARD = {
    "brand": "visa", "country": "US", "exp_month": 12, "exp_year": 2034, "fingerprint": "visa4242", "funding": "credit", "last4": "4242"
}  # fmt: skip


@transaction.atomic
def lay() -> dict[str, list[str]]:
    """Fresh merchants, all with money; the first has paid intents of several customers. Gives the fields
    of Targets."""
    merchants = [Merchant.objects.create(name=f"Bench {number}") for number in range(MERCHANTS)]
    secrets_ = [_issue(merchant) for merchant in merchants]
    for merchant in merchants:
        endowed = [ledger.Movement("bank", _MONEY), ledger.Movement("available", -_MONEY, merchant)]
        ledger.post("adjustment", merchant.id, endowed, currency="eur", livemode=False)
    key = ApiKey.objects.select_related("merchant").get(merchant=merchants[0])
    buyer = {"merchant": merchants[0], "name": "Ada Buyer", "email": "ada@buyer.example"}
    customers = [Customer.objects.create(**buyer) for _ in range(CUSTOMERS)]
    intents = [_paid(key, customers[number % CUSTOMERS]) for number in range(INTENTS)]
    return {"keys": secrets_, "accounts": [merchant.id for merchant in merchants[1:]], "intents": intents}


def _issue(merchant: Merchant) -> str:
    secret = f"sk_test_{secrets.token_hex(20)}"
    ApiKey.objects.create(merchant=merchant, sha256=hashed(secret))
    return secret


def _paid(key: ApiKey, customer: Customer) -> str:
    asked = {"customer": customer.id, "amount": 1999, "currency": "eur", "payment_method": "pm_card_visa", "metadata": {"order": "A-1001"}}
    intent, _ = payments.create_intent(key, asked)
    told = {"status": "captured", "card": _CARD, "network_reference": secrets.token_hex(8)}
    return payments.settle(payments.begin(intent), told)["id"]
