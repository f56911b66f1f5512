"""Requests to the hot endpoints: what is there before, and what is asked. `{name}` in a path or body is
the id of something that was prepared."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from apps.core.ids import encode, new_id
from apps.payments import services
from tests.payments.shop import Shop

Ids = dict[str, str]


@dataclass(frozen=True)
class Case:
    method: str
    path: str
    body: dict[str, Any] | bytes | None = None
    given: Callable[[Shop, Shop], Ids] = lambda shop, other: {}
    headers: dict[str, str] = field(default_factory=dict)


def unconfirmed(shop: Shop, other: Shop) -> Ids:
    return {"intent": shop.create(payment_method="pm_card_visa")["id"]}


def bare(shop: Shop, other: Shop) -> Ids:
    return {"intent": shop.create()["id"]}


def held(shop: Shop, other: Shop) -> Ids:
    return {"intent": shop.hold()["id"]}


def paid(shop: Shop, other: Shop) -> Ids:
    intent = shop.pay(2_000)
    shop.pay(3_000)
    return {"intent": intent["id"], "charge": intent["latest_charge"]}


def refunded(shop: Shop, other: Shop) -> Ids:
    ids = paid(shop, other)
    shop.refund({"id": ids["intent"]})
    return ids


def challenged(shop: Shop, other: Shop) -> Ids:
    return {"intent": shop.pay(method="pm_card_authenticationRequired", return_url="https://shop.example/done")["id"]}


def declined(shop: Shop, other: Shop) -> Ids:
    return {"intent": shop.pay(method="pm_card_chargeDeclined")["error"]["payment_intent"]["id"]}


def rich(shop: Shop, other: Shop) -> Ids:
    shop.pay()
    services.release_funds(due=date(2190, 1, 1))
    return {"other": other.merchant.account, "self": shop.merchant.account, "nobody": encode("acct", new_id())}


def theirs(shop: Shop, other: Shop) -> Ids:
    intent = other.hold()
    return {"intent": intent["id"], "charge": intent["latest_charge"]}


INTENTS = "/v1/payment_intents"
PAYMENT = {"amount": 2_000, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}
FULL = {
    "amount": 2_000,
    "currency": "eur",
    "description": "Socks",
    "metadata": {"order": "7"},
    "receipt_email": "ada@example.com",
    "statement_descriptor": "SOCKS",
    "shipping": {"name": "Ada", "address": {"line1": "Main Street 1", "country": "NL"}},
    "automatic_payment_methods": {"enabled": True},
    "setup_future_usage": "off_session",
    "transfer_group": "g",
}

WRITES = {
    "create": Case("POST", INTENTS, {"amount": 2_000, "currency": "eur"}),
    "create with everything": Case("POST", INTENTS, FULL),
    "create and confirm": Case("POST", INTENTS, PAYMENT),
    "create and confirm, expanded": Case("POST", INTENTS, PAYMENT | {"expand": ["latest_charge.balance_transaction", "payment_method"]}),
    "create, expanded": Case(
        "POST", INTENTS, {"amount": 5, "currency": "eur", "payment_method": "pm_card_visa", "expand": ["payment_method"]}
    ),
    "create with a test method that does not exist": Case(
        "POST", INTENTS, {"amount": 5, "currency": "eur", "payment_method": "pm_card_nobodyIssuedThis"}
    ),
    "create by form": Case("POST", INTENTS, b"amount=2000&currency=eur&metadata[order]=7&payment_method_types[]=card"),
    "create and hold": Case("POST", INTENTS, PAYMENT | {"capture_method": "manual"}),
    "create and be challenged": Case("POST", INTENTS, PAYMENT | {"payment_method": "pm_card_authenticationRequired"}),
    "create and be declined": Case("POST", INTENTS, PAYMENT | {"payment_method": "pm_card_chargeDeclinedExpiredCard"}),
    "create without amount": Case("POST", INTENTS, {"currency": "eur"}),
    "create with a bad amount": Case("POST", INTENTS, {"amount": 1.5, "currency": "eur"}),
    "create with an unknown parameter": Case("POST", INTENTS, PAYMENT | {"application_fee_amount": 5}),
    "create with a bad return url": Case("POST", INTENTS, PAYMENT | {"return_url": "javascript:alert(1)"}),
    "create with nothing to expand": Case("POST", INTENTS, PAYMENT | {"expand": ["invoice"]}),
    "create for nobody": Case("POST", INTENTS, PAYMENT | {"customer": encode("cus", new_id())}),
    "create with a method that nobody has": Case("POST", INTENTS, PAYMENT | {"payment_method": encode("pm", new_id())}),
    "create with a card number": Case("POST", INTENTS, PAYMENT | {"description": "4242 4242 4242 4242"}),
    "confirm without a method": Case("POST", INTENTS, {"amount": 5, "currency": "eur", "confirm": True}),
    "confirm": Case("POST", INTENTS + "/{intent}/confirm", {}, unconfirmed),
    "confirm with a method": Case("POST", INTENTS + "/{intent}/confirm", {"payment_method": "pm_card_visa"}, bare),
    "confirm and be declined": Case("POST", INTENTS + "/{intent}/confirm", {"payment_method": "pm_card_chargeDeclined"}, bare),
    "confirm what has no method": Case("POST", INTENTS + "/{intent}/confirm", {}, bare),
    "confirm what waits for its customer": Case("POST", INTENTS + "/{intent}/confirm", None, challenged),
    "confirm what is paid": Case("POST", INTENTS + "/{intent}/confirm", {}, paid),
    "confirm theirs": Case("POST", INTENTS + "/{intent}/confirm", {}, theirs),
    "confirm what is no id": Case("POST", INTENTS + "/pi_no/confirm", {}),
    "capture": Case("POST", INTENTS + "/{intent}/capture", {}, held),
    "capture a part": Case("POST", INTENTS + "/{intent}/capture", {"amount_to_capture": 100, "expand": ["latest_charge"]}, held),
    "capture too much": Case("POST", INTENTS + "/{intent}/capture", {"amount_to_capture": 10_001}, held),
    "capture what is paid": Case("POST", INTENTS + "/{intent}/capture", {}, paid),
    "capture theirs": Case("POST", INTENTS + "/{intent}/capture", {}, theirs),
    "cancel": Case("POST", INTENTS + "/{intent}/cancel", {"cancellation_reason": "duplicate"}, held),
    "cancel what nobody confirmed": Case("POST", INTENTS + "/{intent}/cancel", {}, bare),
    "cancel a challenge": Case("POST", INTENTS + "/{intent}/cancel", {}, challenged),
    "cancel what is paid": Case("POST", INTENTS + "/{intent}/cancel", {}, paid),
    "cancel for a bad reason": Case("POST", INTENTS + "/{intent}/cancel", {"cancellation_reason": "bored"}, held),
    "refund": Case("POST", "/v1/refunds", {"payment_intent": "{intent}", "reason": "duplicate", "metadata": {"a": "b"}}, paid),
    "refund a part of a charge": Case(
        "POST", "/v1/refunds", {"charge": "{charge}", "amount": 5, "expand": ["charge", "balance_transaction"]}, paid
    ),
    "refund too much": Case("POST", "/v1/refunds", {"payment_intent": "{intent}", "amount": 2_001}, paid),
    "refund twice": Case("POST", "/v1/refunds", {"payment_intent": "{intent}"}, refunded),
    "refund what is held": Case("POST", "/v1/refunds", {"payment_intent": "{intent}"}, held),
    "refund what was declined": Case("POST", "/v1/refunds", {"payment_intent": "{intent}"}, declined),
    "refund nothing": Case("POST", "/v1/refunds", {}),
    "refund theirs": Case("POST", "/v1/refunds", {"charge": "{charge}"}, theirs),
    "transfer": Case("POST", "/v1/transfers", {"amount": 100, "currency": "eur", "destination": "{other}", "description": "rent"}, rich),
    "transfer too much": Case("POST", "/v1/transfers", {"amount": 10**9, "currency": "eur", "destination": "{other}"}, rich),
    "transfer to oneself": Case("POST", "/v1/transfers", {"amount": 1, "currency": "eur", "destination": "{self}"}, rich),
    "transfer to nobody": Case("POST", "/v1/transfers", {"amount": 1, "currency": "eur", "destination": "{nobody}"}, rich),
    "transfer to what is no account": Case("POST", "/v1/transfers", {"amount": 1, "currency": "eur", "destination": "bank"}, rich),
    "write without a key": Case("POST", INTENTS, PAYMENT, headers={"Authorization": ""}),
    "write with an empty idempotency key": Case("POST", INTENTS, PAYMENT, headers={"Idempotency-Key": ""}),
}

READS = {
    "retrieve": Case("GET", INTENTS + "/{intent}", given=paid),
    "retrieve, expanded": Case(
        "GET", INTENTS + "/{intent}?expand[]=latest_charge.balance_transaction&expand[]=payment_method&expand[]=customer", given=paid
    ),
    "retrieve what was declined": Case("GET", INTENTS + "/{intent}?expand[]=latest_charge", given=declined),
    "retrieve what waits for its customer": Case("GET", INTENTS + "/{intent}", given=challenged),
    "retrieve theirs": Case("GET", INTENTS + "/{intent}", given=theirs),
    "retrieve what is no id": Case("GET", INTENTS + "/pi_no"),
    "retrieve with nothing to expand": Case("GET", INTENTS + "/{intent}?expand[]=review", given=paid),
    "retrieve with a parameter it does not have": Case("GET", INTENTS + "/{intent}?limit=3", given=paid),
    "list": Case("GET", INTENTS, given=paid),
    "list, expanded": Case("GET", INTENTS + "?expand[]=data.latest_charge.balance_transaction&expand[]=data.payment_method", given=paid),
    "list a page": Case("GET", INTENTS + "?limit=1", given=paid),
    "list the next page": Case("GET", INTENTS + "?limit=1&ending_before={intent}", given=paid),
    "list what follows": Case("GET", INTENTS + "?starting_after={intent}", given=paid),
    "list by time": Case("GET", INTENTS + "?created[gte]=1&created[lt]=9999999999", given=paid),
    "list before time began": Case("GET", INTENTS + "?created[lt]=1", given=paid),
    "list of a customer": Case("GET", f"{INTENTS}?customer={encode('cus', new_id())}", given=paid),
    "list too much": Case("GET", INTENTS + "?limit=101"),
    "list after what is no id": Case("GET", INTENTS + "?starting_after=pi_forged"),
    "list both ways": Case("GET", INTENTS + "?starting_after={intent}&ending_before={intent}", given=paid),
    "list with nothing to expand": Case("GET", INTENTS + "?expand[]=latest_charge", given=paid),
    "balance": Case("GET", "/v1/balance", given=rich),
    "balance of nothing": Case("GET", "/v1/balance"),
    "balance with a parameter it does not have": Case("GET", "/v1/balance?currency=eur"),
}
