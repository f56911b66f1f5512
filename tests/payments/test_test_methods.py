"""The gateway's test methods show their card from the start, in a process that never used one as well."""

import pytest
from django.test import Client

from apps.payments.errors import ReferenceMissing
from apps.payments.flows import tokens
from tests.payments.shop import Shop


@pytest.fixture(autouse=True)
def new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_known", {})


def test_an_intent_that_nobody_confirmed_shows_the_card(shop: Shop) -> None:
    intent = shop.create(payment_method="pm_card_amex", expand=["payment_method"])
    assert (intent["status"], intent["payment_method"]["card"]["last4"]) == ("requires_confirmation", "8431")
    assert shop.look(intent, "payment_method") == intent


def test_the_gateway_is_asked_once_for_what_it_told_before(shop: Shop, settings) -> None:
    shop.create(payment_method="pm_card_amex")
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    assert shop.create(payment_method="pm_card_amex", expand=["payment_method"])["payment_method"]["card"]["last4"] == "8431"


def test_a_test_method_that_does_not_exist_is_refused_and_nothing_is_made(shop: Shop) -> None:
    with pytest.raises(ReferenceMissing):
        shop.create(payment_method="pm_card_nobodyIssuedThis")
    assert shop.rows("payments_intent") == shop.rows("payments_payment_method") == []


def test_while_the_gateway_does_not_answer_the_intent_is_made_and_its_card_is_known_once_it_is_used(shop: Shop, settings) -> None:
    there, settings.SANDBOX_URL = settings.SANDBOX_URL, "http://127.0.0.1:9"
    intent = shop.create(payment_method="pm_card_amex", expand=["payment_method"])
    assert (intent["status"], intent["payment_method"]["card"]) == ("requires_confirmation", None)
    settings.SANDBOX_URL = there
    assert shop.confirm(intent, expand=["payment_method"])["payment_method"]["card"]["last4"] == "8431"


def test_an_intent_that_is_given_a_test_method_later_shows_its_card_too(shop: Shop) -> None:
    client = Client(headers={"Authorization": f"Bearer {shop.merchant.secret}"})
    given = {"payment_method": "pm_card_amex", "expand": ["payment_method"]}
    changed = client.post(f"/v1/payment_intents/{shop.create()['id']}", given, content_type="application/json").json()
    assert changed["payment_method"]["card"]["last4"] == "8431"
