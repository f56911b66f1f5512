"""Outcomes that we do not have: never guessed, found out by our reference."""

import pytest

from apps.core import db
from apps.payments import flows
from apps.payments.domain import requests
from apps.payments.errors import IntentBusy, UnexpectedState
from tests.payments.shop import Shop, age, drive, due_now, forget_lease, pi, reference

pytestmark = pytest.mark.usefixtures("impatient")

CHARGED = ["pm_card_timeout", "pm_card_resetAfterCharge", "pm_card_wrongReference", "pm_card_truncated", "pm_card_slow"]
NOT_CHARGED = ["pm_card_timeoutNoCharge", "pm_card_error500"]


@pytest.mark.parametrize("card", [*CHARGED, *NOT_CHARGED])
def test_a_gateway_that_does_not_answer_leaves_the_payment_processing(shop: Shop, card: str) -> None:
    intent = shop.pay(method=card)
    assert (shop.status, intent["status"], intent["last_payment_error"]) == (200, "processing", None)
    assert (shop.attempt()["state"], shop.booked("pending")) == ("unknown", 0)
    assert shop.events() == ["payment_intent.created", "payment_intent.processing"]


@pytest.mark.parametrize("card", CHARGED)
def test_a_charge_that_we_were_not_told_of_is_found_and_booked_once(shop: Shop, effects, card: str) -> None:
    intent = shop.pay(method=card)
    due_now(shop)
    flows.recover_due()
    assert (shop.look(intent)["status"], shop.booked("pending")) == ("succeeded", 9_680)
    due_now(shop)
    flows.recover_due()
    assert shop.booked("pending") == 9_680
    assert effects(reference(shop.attempt())) == [("authorize", "captured")]
    assert shop.events()[-2:] == ["charge.succeeded", "payment_intent.succeeded"]


@pytest.mark.parametrize("card", NOT_CHARGED)
def test_what_never_happened_is_believed_only_after_the_gateways_window(shop: Shop, card: str) -> None:
    intent = shop.pay(method=card)
    for _ in range(2):
        due_now(shop)
        flows.recover_due()
        assert (shop.look(intent)["status"], shop.attempt()["state"]) == ("processing", "unknown")
    age(shop, 240)
    due_now(shop)
    flows.recover_due()
    shown = shop.look(intent)
    assert (shown["status"], shown["last_payment_error"]["code"], shown["latest_charge"]) == (
        "requires_payment_method",
        "processing_error",
        None,
    )
    assert (shop.attempt()["state"], shop.events()[-1], shop.booked("pending")) == ("failed", "payment_intent.payment_failed", 0)


def test_time_alone_decides_nothing(shop: Shop, faults) -> None:
    intent = shop.pay(method="pm_card_timeoutNoCharge")
    faults(blackhole=True)
    for _ in range(3):
        age(shop, 10**6)
        due_now(shop)
        flows.recover_due()
    assert (shop.look(intent)["status"], shop.attempt()["state"]) == ("processing", "unknown")


def test_a_gateway_that_denies_a_charge_at_first_is_not_believed(shop: Shop, faults) -> None:
    intent = shop.pay(method="pm_card_resetAfterCharge")
    faults(lookup_404_s=3600)
    age(shop, 10**6)
    due_now(shop)
    flows.recover_due()
    assert shop.look(intent)["status"] == "processing"
    faults()
    due_now(shop)
    flows.recover_due()
    assert (shop.look(intent)["status"], shop.booked("pending")) == ("succeeded", 9_680)


def test_silence_in_between_starts_the_window_again(shop: Shop, faults) -> None:
    intent = shop.pay(method="pm_card_timeoutNoCharge")
    for silent in (False, True, False):
        faults(blackhole=silent)
        age(shop, 240)
        due_now(shop)
        flows.recover_due()
        assert shop.look(intent)["status"] == "processing"


def test_no_second_attempt_starts_while_one_is_unknown(shop: Shop, effects) -> None:
    intent = shop.pay(method="pm_card_timeout")
    for verb in (shop.confirm, shop.cancel, shop.capture):
        with pytest.raises(UnexpectedState):
            verb(intent)
    assert len(shop.rows("payments_attempt")) == 1


def test_the_looks_follow_the_schedule(shop: Shop, faults) -> None:
    shop.pay(method="pm_card_timeoutNoCharge")
    faults(blackhole=True)
    planned = []
    for _ in range(7):
        due_now(shop)
        flows.recover_due()
        row = db.query("SELECT next_look_at - clock_timestamp() AS due_in FROM payments_attempt WHERE id = %s", [shop.attempt()["id"]])[0]
        planned.append(round(row["due_in"].total_seconds()))
    assert planned == pytest.approx([50, 240, 1_500, 5_400, 86_400, 86_400, 86_400], abs=5)


def test_the_first_look_is_due_after_ten_seconds(shop: Shop) -> None:
    shop.pay(method="pm_card_resetAfterCharge")
    attempt = shop.attempt()
    assert round((attempt["next_look_at"] - attempt["started_at"]).total_seconds()) == 10


def test_the_same_key_keeps_its_answer_after_recovery(shop: Shop) -> None:
    params = {"method": "pm_card_resetAfterCharge", "key": "order-1"}
    shop.pay(**params)
    first = shop.answer.body
    due_now(shop)
    flows.recover_due()
    again = shop.pay(**params)
    assert (shop.answer.body, shop.answer.replayed, again["status"]) == (first, True, "processing")


def test_a_capture_that_we_were_not_told_of_is_found(shop: Shop, faults) -> None:
    intent = shop.hold()
    faults(reset_after_rate=1)
    assert shop.capture(intent)["status"] == "processing"
    with pytest.raises(UnexpectedState):
        shop.capture(intent)
    faults()
    due_now(shop)
    flows.recover_due()
    assert (shop.look(intent)["status"], shop.booked("pending")) == ("succeeded", 9_680)


def test_a_void_that_we_were_not_told_of_is_found(shop: Shop, faults) -> None:
    intent = shop.hold()
    faults(reset_after_rate=1)
    assert shop.cancel(intent, cancellation_reason="duplicate")["status"] == "processing"
    faults()
    due_now(shop)
    flows.recover_due()
    shown = shop.look(intent)
    assert (shown["status"], shown["cancellation_reason"], shop.booked("pending")) == ("canceled", "duplicate", 0)


def test_a_void_that_never_arrived_leaves_the_payment_held(shop: Shop, faults) -> None:
    intent = shop.hold()
    faults(blackhole=True)
    assert shop.cancel(intent)["status"] == "processing"
    faults()
    due_now(shop)
    flows.recover_due()
    age(shop, 240)
    due_now(shop)
    flows.recover_due()
    assert (shop.look(intent)["status"], shop.attempt("void")["state"]) == ("requires_capture", "failed")
    assert shop.capture(intent)["status"] == "succeeded"


def test_a_payment_that_somebody_else_is_at_is_left_alone(shop: Shop) -> None:
    intent = shop.create(payment_method="pm_card_visa")
    other = shop.begin(flows.confirm_payment_intent, requests.ConfirmPaymentIntent, pi(intent), key="other")
    drive(other, until="after payments_begin")
    with pytest.raises(IntentBusy):
        shop.confirm(intent)
    assert len(shop.rows("payments_attempt")) == 1
    forget_lease(shop, "other")
    assert shop.confirm(intent, key="other")["status"] == "succeeded"
