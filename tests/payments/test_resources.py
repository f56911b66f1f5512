"""Customers, payment methods and what else is plain DRF, over HTTP."""

from typing import Any

import orjson
import pytest
from django.test import Client

from apps.core.ids import encode, new_id
from apps.merchants import services
from tests.payments.shop import Shop

Json = dict[str, Any]


class Api:
    """The merchant's HTTP client; answers are documents, `status` is the last one's."""

    def __init__(self, secret: str) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {secret}"})

    def _read(self, answer: Any) -> Json:
        self.status, self.headers = answer.status_code, answer.headers
        return orjson.loads(answer.content)

    def post(self, path: str, key: str | None = None, **params: Any) -> Json:
        headers = {"Idempotency-Key": key} if key else {}
        return self._read(self.client.post(f"/v1/{path}", orjson.dumps(params), content_type="application/json", headers=headers))

    def get(self, path: str, **params: Any) -> Json:
        return self._read(self.client.get(f"/v1/{path}", params))

    def delete(self, path: str) -> Json:
        return self._read(self.client.delete(f"/v1/{path}"))


@pytest.fixture
def api(shop: Shop) -> Api:
    return Api(shop.merchant.secret)


def test_a_customer_is_created_changed_and_found(api: Api, shop: Shop) -> None:
    made = api.post("customers", name="Ada", email="ada@example.com", metadata={"crm": "77"}, address={"city": "Delft", "country": "NL"})
    assert (api.status, made["object"], made["address"]["city"]) == (200, "customer", "Delft")
    changed = api.post(f"customers/{made['id']}", name=None, metadata={"crm": "", "vip": "1"})
    assert (changed["name"], changed["email"], changed["metadata"]) == (None, "ada@example.com", {"vip": "1"})
    assert api.get(f"customers/{made['id']}") == changed
    assert [one["id"] for one in api.get("customers", email="ada@example.com")["data"]] == [made["id"]]
    assert api.get("customers", email="eve@example.com")["data"] == []
    assert shop.events() == ["customer.created", "customer.updated"]


def test_the_same_key_creates_one_customer(api: Api, shop: Shop) -> None:
    first, again = (api.post("customers", key="c", name="Ada") for _ in range(2))
    assert (first, api.headers["Idempotent-Replayed"], len(shop.rows("payments_customer"))) == (again, "true", 1)
    assert api.post("customers", key="c", name="Eve")["error"]["code"] == "idempotency_key_reused"


def test_a_deleted_customer_is_forgotten_but_keeps_its_id(api: Api, shop: Shop) -> None:
    made = api.post("customers", name="Ada", email="ada@example.com", payment_method="pm_card_visa")
    paid = shop.pay(customer=made["id"])
    gone = {"id": made["id"], "object": "customer", "deleted": True}
    assert [api.delete(f"customers/{made['id']}"), api.get(f"customers/{made['id']}")] == [gone, gone]
    assert (shop.look(paid)["customer"], shop.look(paid, "customer")["customer"]) == (made["id"], gone)
    row = shop.rows("payments_customer")[0]
    assert (row["name"], row["email"], row["metadata"]) == (None, None, {})
    assert api.post("payment_intents", amount=5, currency="eur", customer=made["id"])["error"]["code"] == "customer_deleted"
    assert api.get("customers")["data"] == []


@pytest.mark.parametrize("verb", ["get", "post", "delete"])
def test_another_merchants_customer_is_absent(api: Api, new_shop, verb: str) -> None:
    theirs = Api(new_shop().merchant.secret).post("customers", name="Ada")["id"]
    for id in (theirs, encode("cus", new_id())):
        assert getattr(api, verb)(f"customers/{id}")["error"]["message"] == f"No such customer: '{id}'."
        assert api.status == 404


def test_a_token_becomes_a_payment_method_and_never_a_number(api: Api) -> None:
    made = api.post("payment_methods", type="card", card={"token": "tok_mastercard"}, billing_details={"name": "Ada"})
    assert (made["card"]["brand"], made["card"]["last4"], made["billing_details"]["name"], made["customer"]) == (
        "mastercard",
        "4444",
        "Ada",
        None,
    )
    assert api.get(f"payment_methods/{made['id']}") == made
    assert api.post("payment_methods", type="card", card={"token": "tok_nobody"})["error"]["param"] == "card[token]"
    refused = api.post("payment_methods", type="card", card={"number": "4242424242424242", "exp_month": 1, "exp_year": 2030})
    assert (api.status, refused["error"]["code"]) == (422, "card_data_not_accepted")


def test_a_payment_method_is_attached_and_detached(api: Api, shop: Shop) -> None:
    customer = api.post("customers", name="Ada")["id"]
    method = api.post("payment_methods/pm_card_visa/attach", customer=customer)
    assert (method["customer"], method["card"]["last4"]) == (customer, "4242")
    assert api.get("payment_methods", customer=customer)["data"] == [method]
    assert api.get(f"customers/{customer}/payment_methods")["data"] == [method]
    assert api.post(f"payment_methods/{method['id']}/detach")["customer"] is None
    assert api.post(f"payment_methods/{method['id']}/attach", customer=customer)["error"]["code"] == "payment_method_unexpected_state"
    assert shop.events() == ["customer.created", "payment_method.attached", "payment_method.detached"]


def test_a_payment_method_pays_for_its_own_customer_only(api: Api, shop: Shop) -> None:
    ada, eve = (api.post("customers", name=name)["id"] for name in ("Ada", "Eve"))
    method = api.post("payment_methods/pm_card_visa/attach", customer=ada)["id"]
    pay = {"amount": 1_000, "currency": "eur", "confirm": True, "payment_method": method}
    assert api.post("payment_intents", **pay, customer=eve)["error"]["code"] == "payment_method_customer_mismatch"
    assert api.post("payment_intents", **pay)["error"]["code"] == "payment_method_customer_mismatch"
    assert api.post(f"payment_methods/{method}/attach", customer=eve)["error"]["code"] == "payment_method_in_use"
    assert (api.post("payment_intents", **pay, customer=ada)["status"], shop.booked("pending")) == ("succeeded", 941)


def test_a_card_is_kept_for_its_customer_when_it_is_to_be_used_again(api: Api, shop: Shop) -> None:
    customer = api.post("customers", name="Ada")["id"]
    shop.pay(customer=customer, setup_future_usage="off_session")
    kept = api.get("payment_methods", customer=customer)["data"]
    assert [(method["card"]["last4"], method["customer"]) for method in kept] == [("4242", customer)]
    again = shop.create(customer=customer, payment_method=kept[0]["id"], confirm=True, off_session=True)
    assert (again["status"], again["payment_method"]) == ("succeeded", kept[0]["id"])


def test_a_default_payment_method_is_the_customers_own(api: Api) -> None:
    customer = api.post("customers", payment_method="pm_card_visa")["id"]
    method = api.get("payment_methods", customer=customer)["data"][0]["id"]
    changed = api.post(f"customers/{customer}", invoice_settings={"default_payment_method": method})
    assert changed["invoice_settings"] == {"default_payment_method": method}
    other = api.post("payment_methods", type="card", card={"token": "tok_visa"})["id"]
    assert api.post(f"customers/{customer}", invoice_settings={"default_payment_method": other})["error"]["code"] == "resource_missing"


def test_an_intent_is_changed_before_it_is_confirmed(api: Api, shop: Shop) -> None:
    intent = shop.create()
    changed = api.post(f"payment_intents/{intent['id']}", amount=500, currency="usd", payment_method="pm_card_visa", description="socks")
    assert (changed["amount"], changed["currency"], changed["status"]) == (500, "usd", "requires_confirmation")
    paid = shop.confirm(intent)
    assert (paid["amount_received"], shop.booked("pending", "usd")) == (500, 500 - 44)


def test_a_paid_intent_keeps_everything_but_its_description_and_metadata(api: Api, shop: Shop) -> None:
    intent = shop.pay()
    assert api.post(f"payment_intents/{intent['id']}", amount=5)["error"]["code"] == "payment_intent_unexpected_state"
    changed = api.post(f"payment_intents/{intent['id']}", description="socks", metadata={"a": "b"})
    assert changed == intent | {"description": "socks", "metadata": {"a": "b"}}


def test_charges_are_listed_by_intent_with_what_was_asked_for(api: Api, shop: Shop) -> None:
    first, second = shop.pay(), shop.pay()
    shop.refund(first, amount=100)
    listed = api.get("charges", payment_intent=first["id"], **{"expand[]": ["data.refunds", "data.balance_transaction"]})["data"]
    assert [charge["id"] for charge in listed] == [first["latest_charge"]]
    assert ([refund["amount"] for refund in listed[0]["refunds"]["data"]], listed[0]["balance_transaction"]["net"]) == ([100], 9_680)
    assert api.get(f"charges/{second['latest_charge']}")["payment_intent"] == second["id"]


def test_a_refund_is_listed_and_its_metadata_changed(api: Api, shop: Shop) -> None:
    intent = shop.pay()
    refund = shop.refund(intent, amount=100)
    changed = api.post(f"refunds/{refund['id']}", metadata={"ticket": "9"})
    assert (changed["metadata"], changed["status"]) == ({"ticket": "9"}, "succeeded")
    assert api.get("refunds", payment_intent=intent["id"])["data"] == [changed]
    assert api.get(f"charges/{intent['latest_charge']}/refunds")["data"] == [changed]
    assert api.get(f"refunds/{refund['id']}") == changed


def test_balance_transactions_tell_every_movement(api: Api, shop: Shop) -> None:
    intent = shop.pay()
    shop.refund(intent, amount=1_000)
    listed = api.get("balance_transactions")["data"]
    assert [(one["type"], one["amount"], one["fee"], one["net"], one["status"]) for one in listed] == [
        ("refund", -1_000, 0, -1_000, "available"),
        ("charge", 10_000, 320, 9_680, "pending"),
    ]
    assert [one["type"] for one in api.get("balance_transactions", source=intent["latest_charge"])["data"]] == ["charge"]
    assert api.get(f"balance_transactions/{listed[0]['id']}") == listed[0]


@pytest.mark.parametrize(
    "path", ["payment_intents", "charges", "refunds", "customers", "transfers", "balance_transactions", "payment_methods"]
)
def test_what_is_no_id_is_as_absent_as_what_nobody_has(api: Api, path: str) -> None:
    for id in ("nonsense", "%00", "..", encode("evt", new_id())):
        assert api.get(f"{path}/{id}")["error"]["type"] == "invalid_request_error"
        assert api.status in (400, 404)


def test_a_scope_opens_only_its_own_doors(shop: Shop) -> None:
    _, secret = services.issue_key(merchant_id=shop.merchant.id, livemode=False, scopes=["payments:read"])
    reader = Api(secret)
    assert reader.get("payment_intents")["data"] == []
    for call in (
        lambda: reader.post("payment_intents", amount=5, currency="eur"),
        lambda: reader.get("balance"),
        lambda: reader.get("customers"),
    ):
        assert call()["error"]["code"] == "insufficient_scope"
