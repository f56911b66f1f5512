"""Payments from the first wish to the last word, through the real gateway and the real books."""

import pytest

from apps.core.errors import InvalidRequest, NotFound, ParameterMissing
from apps.core.ids import encode, new_id
from apps.merchants import services
from apps.merchants.errors import NoPrice
from apps.payments import flows
from apps.payments.domain import requests
from apps.payments.errors import AmountTooLarge, MethodMissing, ReferenceMissing, UnexpectedState
from tests.payments.shop import Shop, reference


def test_an_intent_without_confirmation_moves_nothing(shop: Shop) -> None:
    intent = shop.create(description="socks", metadata={"order": "7", "empty": ""})
    assert (shop.status, intent["status"], intent["metadata"]) == (200, "requires_payment_method", {"order": "7"})
    assert intent["client_secret"].startswith(intent["id"] + "_secret_")
    assert shop.look(intent) == intent
    assert (shop.rows("payments_attempt"), shop.events()) == ([], ["payment_intent.created"])


def test_an_intent_is_created_in_one_round_trip(shop: Shop) -> None:
    shop.create()
    flow = shop.begin(flows.create_payment_intent, requests.CreatePaymentIntent, amount=100, currency="eur")
    assert flow.send(None).function == "payments_create"
    with pytest.raises(StopIteration):
        flow.send({"ok": {}})


def test_a_confirmed_payment_is_booked_and_told(shop: Shop) -> None:
    intent = shop.confirm(shop.create(), payment_method="pm_card_visa")
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 10_000)
    assert (shop.booked("pending"), shop.booked("available")) == (9_680, 0)
    assert shop.events() == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
    assert shop.look(intent) == intent


def test_creating_and_confirming_at_once_does_the_same(shop: Shop) -> None:
    intent = shop.pay()
    assert (intent["status"], shop.booked("pending")) == ("succeeded", 9_680)
    assert shop.events() == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


def test_the_gateway_knows_a_payment_by_our_reference_once(shop: Shop, effects) -> None:
    shop.pay()
    assert effects(reference(shop.attempt())) == [("authorize", "captured")]


def test_an_answer_expands_what_was_asked_for(shop: Shop) -> None:
    paths = ["latest_charge.balance_transaction", "payment_method"]
    intent = shop.pay(expand=paths)
    assert intent["latest_charge"]["balance_transaction"]["net"] == 9_680
    assert intent["payment_method"]["card"]["last4"] == "4242"
    assert shop.look(intent, "latest_charge", *paths) == intent


def test_what_cannot_be_expanded_is_refused_by_name(shop: Shop) -> None:
    with pytest.raises(InvalidRequest) as refused:
        shop.create(expand=["customer", "merchant"])
    assert refused.value.param == "expand[1]"
    assert shop.rows("payments_intent") == []


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
        ("pm_card_radarBlock", "card_declined", "fraudulent"),
        ("pm_card_nobodyIssuedThis", "invalid_payment_method", None),
    ],
)
def test_a_declined_card_is_a_402_with_the_reason_and_the_intent(shop: Shop, card: str, code: str, decline_code: str | None) -> None:
    error = shop.pay(method=card)["error"]
    assert (shop.status, error["type"], error["code"], error.get("decline_code")) == (402, "card_error", code, decline_code)
    assert error["payment_intent"]["status"] == "requires_payment_method"
    assert error["payment_intent"]["last_payment_error"]["code"] == code
    assert error["charge"] == error["payment_intent"]["latest_charge"]
    assert (shop.booked("pending"), shop.rows("payments_charge")[0]["status"]) == (0, "failed")
    assert shop.events() == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]


def test_a_declined_payment_succeeds_with_another_card(shop: Shop) -> None:
    intent = shop.create()
    shop.confirm(intent, payment_method="pm_card_chargeDeclined")
    paid = shop.confirm(intent, payment_method="pm_card_mastercard")
    assert (shop.status, paid["status"], paid["last_payment_error"]) == (200, "succeeded", None)
    assert (len(shop.rows("payments_charge")), shop.booked("pending")) == (2, 9_680)


@pytest.mark.parametrize(
    ("card", "brand", "last4", "country"),
    [
        ("pm_card_amex", "amex", "8431", "US"),
        ("pm_card_de", "visa", "0016", "DE"),
        ("pm_card_mastercard_prepaid", "mastercard", "5100", "US"),
    ],
)
def test_a_charge_says_which_card_paid(shop: Shop, card: str, brand: str, last4: str, country: str) -> None:
    shown = shop.pay(method=card, expand=["latest_charge"])["latest_charge"]["payment_method_details"]["card"]
    assert (shown["brand"], shown["last4"], shown["country"]) == (brand, last4, country)


@pytest.mark.parametrize(("currency", "amount"), [("jpy", 500), ("kwd", 12_345), ("usd", 99_999_999)])
def test_every_currency_is_booked_in_its_own_minor_units(shop: Shop, currency: str, amount: int) -> None:
    intent = shop.create(amount, currency, confirm=True, payment_method="pm_card_visa", expand=["latest_charge.balance_transaction"])
    booked = intent["latest_charge"]["balance_transaction"]
    assert (booked["amount"], booked["currency"], shop.booked("pending", currency)) == (amount, currency, booked["net"])


def test_a_payment_never_costs_more_than_itself(shop: Shop) -> None:
    shop.pay(amount=5)
    assert [row["released"] for row in shop.rows("payments_balance_transaction")] == [True]
    assert (shop.booked("pending"), shop.rows("payments_charge")[0]["amount_captured"]) == (0, 5)


def test_a_currency_without_a_price_is_refused_before_anything_happens(make_merchant, sandbox: str) -> None:
    services.set_rate(plan="Only euro", currency="eur", method="card", basis_points=100, fixed_minor=0)
    shop = Shop(make_merchant(plan="Only euro"))
    with pytest.raises(NoPrice):
        shop.pay(currency="usd")
    assert shop.rows("payments_intent") == []


def test_an_authorisation_is_held_until_it_is_captured_in_part(shop: Shop) -> None:
    intent = shop.hold()
    assert (intent["status"], intent["amount_capturable"], shop.booked("pending")) == ("requires_capture", 10_000, 0)
    captured = shop.capture(intent, amount_to_capture=4_000)
    assert (captured["status"], captured["amount_received"], captured["amount_capturable"]) == ("succeeded", 4_000, 0)
    assert shop.booked("pending") == 4_000 - 146
    assert shop.events()[-2:] == ["charge.captured", "payment_intent.succeeded"]


def test_more_than_what_is_held_is_not_captured(shop: Shop) -> None:
    intent = shop.hold()
    with pytest.raises(AmountTooLarge) as refused:
        shop.capture(intent, amount_to_capture=10_001)
    assert (refused.value.param, shop.look(intent)["status"], shop.booked("pending")) == ("amount_to_capture", "requires_capture", 0)


def test_nothing_is_captured_twice(shop: Shop, effects) -> None:
    intent = shop.hold()
    shop.capture(intent)
    with pytest.raises(UnexpectedState) as refused:
        shop.capture(intent)
    assert refused.value.extra()["payment_intent"].status == "succeeded"
    assert (shop.booked("pending"), len(shop.rows("payments_attempt", "kind = 'capture'"))) == (9_680, 1)


def test_a_held_payment_is_canceled_at_the_gateway_too(shop: Shop, effects) -> None:
    intent = shop.hold()
    canceled = shop.cancel(intent, cancellation_reason="abandoned")
    assert (canceled["status"], canceled["cancellation_reason"], canceled["amount_capturable"]) == ("canceled", "abandoned", 0)
    assert effects(reference(shop.attempt("void"))) == [("void", "voided")]
    assert (shop.booked("pending"), shop.events()[-1]) == (0, "payment_intent.canceled")


@pytest.mark.parametrize("params", [{}, {"payment_method": "pm_card_visa"}])
def test_an_intent_that_was_never_confirmed_is_canceled_without_asking_anybody(shop: Shop, params: dict) -> None:
    canceled = shop.cancel(shop.create(**params))
    assert (canceled["status"], shop.rows("payments_attempt")) == ("canceled", [])
    assert shop.events() == ["payment_intent.created", "payment_intent.canceled"]


@pytest.mark.parametrize("verb", ["confirm", "capture", "cancel"])
def test_what_is_over_stays_over(shop: Shop, verb: str) -> None:
    paid, canceled = shop.pay(), shop.cancel(shop.create())
    for intent in (paid, canceled):
        with pytest.raises(UnexpectedState):
            getattr(shop, verb)(intent)
        assert shop.look(intent) == intent
    assert shop.booked("pending") == 9_680


def test_a_confirmation_needs_a_payment_method(shop: Shop) -> None:
    with pytest.raises(MethodMissing):
        shop.confirm(shop.create())
    with pytest.raises(ParameterMissing):
        shop.create(confirm=True)


def test_what_nobody_has_cannot_be_confirmed(shop: Shop) -> None:
    for verb in (shop.confirm, shop.capture, shop.cancel):
        with pytest.raises(NotFound):
            verb({"id": encode("pi", new_id())})


def test_another_merchants_intent_is_as_absent_as_none(shop: Shop, new_shop) -> None:
    intent, stranger = shop.hold(), new_shop()
    for verb in (stranger.confirm, stranger.capture, stranger.cancel, stranger.look):
        with pytest.raises(NotFound):
            verb(intent)
    assert shop.look(intent)["status"] == "requires_capture"


def test_a_payment_method_or_customer_that_is_not_ours_is_refused_by_name(shop: Shop) -> None:
    for params in ({"payment_method": encode("pm", new_id())}, {"customer": encode("cus", new_id())}):
        with pytest.raises(ReferenceMissing) as refused:
            shop.create(**params)
        assert refused.value.param == next(iter(params))
    assert shop.rows("payments_intent") == []


def test_off_session_goes_together_with_confirm_only(shop: Shop) -> None:
    with pytest.raises(InvalidRequest) as refused:
        shop.create(off_session=True)
    assert refused.value.param == "off_session"


def test_live_money_is_booked_apart_from_test_money(shop: Shop) -> None:
    live = Shop(shop.merchant, livemode=True)
    live.pay(1_000)
    shop.pay(5_000)
    assert (live.booked("pending"), shop.booked("pending")) == (941, 4_825)
