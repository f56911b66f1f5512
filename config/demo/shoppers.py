"""What a merchant's customers do, through the official `stripe` SDK.

Everything is derived from the month and a serial number: the same demo run again after a crash sends
the same requests under the same idempotency keys, and so finishes what was begun, once.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import stripe

CARDS = ("pm_card_visa", "pm_card_visa", "pm_card_mastercard", "pm_card_amex", "pm_card_visa_debit")
DECLINES = ("pm_card_visa_chargeDeclined", "pm_card_visa_chargeDeclinedInsufficientFunds")
CURRENCIES = ("eur", "eur", "eur", "eur", "usd", "usd", "gbp", "jpy", "kwd")
ITEMS = ("Espresso beans 1 kg", "Annual subscription", "Desk lamp", "Conference ticket", "Hardback atlas", "Team licence")
_TYPICAL = {"jpy": 4200, "kwd": 9500}


@dataclass(frozen=True)
class Shop:
    """One merchant's client and what the demo remembers of it."""

    client: stripe.StripeClient
    name: str
    month: str
    account: str

    def key(self, *parts: object) -> stripe.RequestOptions:
        return {"idempotency_key": "-".join(["demo", self.month, *map(str, parts)])}


def connect(api_base: str, secret: str, name: str, month: str) -> Shop:
    """A shop over the SDK, which retries what may be retried; only the base URL is not Stripe's."""
    client = stripe.StripeClient(secret, base_addresses={"api": api_base}, max_network_retries=12)
    account = client.v1.accounts.retrieve_current().id
    return Shop(client, name, month, account)


def visit(shop: Shop, serial: int) -> str:
    """Shopper number `serial` of the month; returns what happened, in one word."""
    chance = random.Random(f"{shop.month}/{shop.name}/{serial}")
    params = _basket(shop, serial, chance)
    kind = chance.choices(("paid", "declined", "captured", "part-captured", "canceled", "refunded"), (70, 6, 8, 4, 3, 9))[0]
    try:
        return _STORIES[kind](shop, serial, params, chance)
    except stripe.CardError:
        return "declined"


def _basket(shop: Shop, serial: int, chance: random.Random) -> Any:
    currency = chance.choice(CURRENCIES)
    amount = max(100, int(chance.lognormvariate(0, 0.8) * _TYPICAL.get(currency, 3500)))
    return {
        "amount": amount,
        "currency": currency,
        "confirm": True,
        "payment_method": chance.choice(CARDS),
        "description": chance.choice(ITEMS),
        "receipt_email": f"shopper{serial}@example.com",
        "metadata": {"order": f"{shop.month.replace('-', '')}{serial:05d}"},
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
    }


def _paid(shop: Shop, serial: int, params: Any, chance: random.Random) -> str:
    intent = shop.client.v1.payment_intents.create(params, shop.key(shop.name, serial))
    return "paid" if intent.status == "succeeded" else intent.status


def _declined(shop: Shop, serial: int, params: Any, chance: random.Random) -> str:
    return _paid(shop, serial, params | {"payment_method": chance.choice(DECLINES)}, chance)


def _authorised(shop: Shop, serial: int, params: Any) -> stripe.PaymentIntent:
    return shop.client.v1.payment_intents.create(params | {"capture_method": "manual"}, shop.key(shop.name, serial))


def _captured(shop: Shop, serial: int, params: Any, chance: random.Random) -> str:
    intent = _authorised(shop, serial, params)
    shop.client.v1.payment_intents.capture(intent.id, {}, shop.key(shop.name, serial, "capture"))
    return "captured"


def _part_captured(shop: Shop, serial: int, params: Any, chance: random.Random) -> str:
    intent = _authorised(shop, serial, params)
    part: Any = {"amount_to_capture": max(50, int(intent.amount * 0.6))}
    shop.client.v1.payment_intents.capture(intent.id, part, shop.key(shop.name, serial, "capture"))
    return "part-captured"


def _canceled(shop: Shop, serial: int, params: Any, chance: random.Random) -> str:
    intent = _authorised(shop, serial, params)
    shop.client.v1.payment_intents.cancel(intent.id, {}, shop.key(shop.name, serial, "cancel"))
    return "canceled"


def _refunded(shop: Shop, serial: int, params: Any, chance: random.Random) -> str:
    intent = shop.client.v1.payment_intents.create(params, shop.key(shop.name, serial))
    share = chance.choice((1, 1, 3))
    refund: Any = {"payment_intent": intent.id, "amount": intent.amount // share, "reason": "requested_by_customer"}
    try:
        shop.client.v1.refunds.create(refund, shop.key(shop.name, serial, "refund"))
    except stripe.InvalidRequestError as refused:
        # A young merchant may not have the fee's worth in that currency yet: the shopper waits.
        if refused.code != "balance_insufficient":
            raise
        return "refund-refused"
    return "refunded" if share == 1 else "part-refunded"


_STORIES = {
    "paid": _paid,
    "declined": _declined,
    "captured": _captured,
    "part-captured": _part_captured,
    "canceled": _canceled,
    "refunded": _refunded,
}


def settle_between(shops: Sequence[Shop], day: int) -> str:
    """One merchant pays the other out of its available balance, where it has some."""
    payer, payee = shops[day % 2], shops[(day + 1) % 2]
    available = {money["currency"]: money["amount"] for money in payer.client.v1.balance.retrieve().available}
    amount = min(available.get("eur", 0) // 10, 5000)
    if amount <= 0:
        return "no transfer"
    params: Any = {"amount": amount, "currency": "eur", "destination": payee.account, "description": f"Stock, day {day}"}
    try:
        payer.client.v1.transfers.create(params, payer.key(payer.name, day, "transfer"))
    except stripe.IdempotencyError:
        return "transferred before"
    return "transferred"


def tally(outcomes: Sequence[str]) -> str:
    """'230 paid, 21 refunded, …', most first."""
    return ", ".join(f"{count} {outcome}" for outcome, count in Counter(outcomes).most_common())
