"""Payments whose customer must act at the bank's page first."""

import urllib.parse
import urllib.request

import pytest

from apps.payments import flows
from apps.payments.errors import UnexpectedState
from tests.payments.shop import Shop, due_now, reference

ASKED = {"method": "pm_card_authenticationRequired", "return_url": "https://shop.example/done?order=7"}


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        return None


def act(intent: dict, action: str) -> str:
    """The customer approves or declines on the bank's page; returns where the bank sends them."""
    url = intent["next_action"]["redirect_to_url"]["url"]
    form = urllib.parse.urlencode({"action": action}).encode()
    try:
        with urllib.request.build_opener(_Stay).open(url, form, timeout=10):
            return ""
    except urllib.error.HTTPError as answer:
        return answer.headers["Location"]


def test_a_challenged_payment_waits_for_its_customer(shop: Shop) -> None:
    intent = shop.pay(**ASKED)
    assert (shop.status, intent["status"], intent["next_action"]["type"]) == (200, "requires_action", "redirect_to_url")
    assert intent["next_action"]["redirect_to_url"]["return_url"] == ASKED["return_url"]
    assert (shop.attempt()["state"], shop.booked("pending")) == ("waiting", 0)
    assert shop.events()[-1] == "payment_intent.requires_action"


def test_the_customer_comes_back_to_the_shop(shop: Shop) -> None:
    back = act(shop.pay(**ASKED), "approve")
    assert back.startswith("https://shop.example/done?order=7")


@pytest.mark.parametrize("asks", ["confirm", "recovery"])
def test_an_approved_payment_is_booked_once(shop: Shop, asks: str) -> None:
    intent = shop.pay(**ASKED)
    act(intent, "approve")
    _found(shop, intent, asks)
    assert (shop.look(intent)["status"], shop.look(intent)["next_action"], shop.booked("pending")) == ("succeeded", None, 9_680)
    due_now(shop)
    flows.recover_due()
    assert shop.booked("pending") == 9_680


def _found(shop: Shop, intent: dict, asks: str) -> None:
    if asks == "confirm":
        shop.confirm(intent)
    due_now(shop)
    flows.recover_due()


@pytest.mark.parametrize(
    ("card", "action", "code"),
    [
        ("pm_card_authenticationRequired", "decline", "payment_intent_authentication_failure"),
        ("pm_card_threeDSecureRequiredProcessingError", "approve", "processing_error"),
        ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", "approve", "card_declined"),
    ],
)
def test_a_payment_that_fails_at_the_bank_may_be_tried_again(shop: Shop, card: str, action: str, code: str) -> None:
    intent = shop.pay(**(ASKED | {"method": card}))
    act(intent, action)
    error = shop.confirm(intent)["error"]
    assert (shop.status, error["code"], error["payment_intent"]["status"]) == (402, code, "requires_payment_method")
    assert (shop.booked("pending"), shop.confirm(intent, payment_method="pm_card_visa")["status"]) == (0, "succeeded")


def test_a_confirmation_before_the_customer_acted_changes_nothing(shop: Shop) -> None:
    intent = shop.pay(**ASKED)
    assert shop.confirm(intent) == intent
    due_now(shop)
    flows.recover_due()
    assert (shop.look(intent), len(shop.rows("payments_attempt"))) == (intent, 1)


def test_a_confirmation_with_another_card_must_cancel_first(shop: Shop) -> None:
    intent = shop.pay(**ASKED)
    with pytest.raises(UnexpectedState):
        shop.confirm(intent, payment_method="pm_card_visa")
    assert shop.look(intent) == intent


def test_a_canceled_challenge_cannot_be_approved_any_more(shop: Shop, effects) -> None:
    intent = shop.pay(**ASKED)
    assert shop.cancel(intent)["status"] == "canceled"
    act(intent, "approve")
    due_now(shop)
    flows.recover_due()
    assert (shop.look(intent)["status"], shop.booked("pending")) == ("canceled", 0)
    assert effects(reference(shop.attempt("authorize"))) == [("authorize", "requires_action")]


def test_a_customer_who_is_faster_than_the_cancellation_has_paid(shop: Shop) -> None:
    intent = shop.pay(**ASKED)
    act(intent, "approve")
    error = shop.cancel(intent)["error"]
    assert (shop.status, error["code"]) == (402, "charge_already_captured")
    due_now(shop)
    flows.recover_due()
    assert (shop.look(intent)["status"], shop.booked("pending")) == ("succeeded", 9_680)


def test_a_challenge_is_a_refusal_when_the_customer_is_not_there(shop: Shop) -> None:
    error = shop.pay(**(ASKED | {"off_session": True}))["error"]
    assert (shop.status, error["code"], error["payment_intent"]["status"]) == (402, "authentication_required", "requires_payment_method")


def test_a_silent_gateway_leaves_a_waiting_payment_waiting(shop: Shop, faults, impatient) -> None:
    intent = shop.pay(**ASKED)
    faults(blackhole=True)
    assert shop.confirm(intent) == intent
    due_now(shop)
    flows.recover_due()
    assert shop.look(intent) == intent


def test_a_held_payment_waits_for_its_capture_after_the_challenge(shop: Shop) -> None:
    intent = shop.pay(**ASKED, capture_method="manual")
    act(intent, "approve")
    assert shop.confirm(intent)["status"] == "requires_capture"
    assert (shop.capture(intent)["status"], shop.booked("pending")) == ("succeeded", 9_680)
