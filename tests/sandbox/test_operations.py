"""Authorise, capture, void and refund: idempotent by reference, and never more than was approved."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sandbox.process import authorization, new_reference


def test_an_authorisation_with_capture_is_captured(shared):
    answer = shared.authorize(amount=1250, currency="usd")
    assert (answer["kind"], answer["status"], answer["amount"], answer["currency"]) == ("authorize", "captured", 1250, "usd")
    assert answer["card"] == {
        "brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2034,
        "funding": "credit", "country": "US", "fingerprint": answer["card"]["fingerprint"],
    }  # fmt: skip
    assert shared.look_up(answer["reference"]) == (200, answer)


def test_the_same_request_again_has_the_same_answer_and_one_effect(shared):
    body = authorization()
    first = shared.post("/v1/authorize", body)
    assert shared.post("/v1/authorize", body) == first
    assert shared.effects(body["reference"]) == ["captured"]


@pytest.mark.parametrize("change", [{"amount": 1001}, {"currency": "usd"}, {"capture": False}, {"description": "x"}])
def test_a_reference_with_another_body_is_refused(shared, change):
    body = authorization()
    shared.post("/v1/authorize", body)
    status, answer = shared.post("/v1/authorize", body | change)
    assert (status, answer["error"]) == (409, "reference_reused")
    assert shared.effects(body["reference"]) == ["captured"]


def test_a_reference_belongs_to_one_kind_of_operation(shared):
    held = shared.authorize(capture=False)
    status, answer = shared.post("/v1/void", {"reference": held["reference"], "authorization": held["reference"]})
    assert (status, answer["error"]) == (409, "reference_reused")


def test_fifty_callers_with_one_reference_make_one_charge(shared):
    body = authorization()
    with ThreadPoolExecutor(50) as callers:
        answers = list(callers.map(lambda _: shared.post("/v1/authorize", body), range(50)))
    assert answers == [answers[0]] * 50
    assert shared.effects(body["reference"]) == ["captured"]


def test_an_unknown_operation_is_not_found(shared):
    assert shared.look_up(new_reference()) == (404, {"error": "not_found"})


def test_a_partial_capture_releases_the_remainder(shared):
    held = shared.authorize(capture=False)["reference"]
    taken = shared.call("capture", authorization=held, amount=400, currency="eur")
    again = shared.call("capture", authorization=held, amount=600, currency="eur")
    assert (taken["status"], taken["amount"], taken["authorization"]) == ("captured", 400, held)
    assert (again["status"], again["code"]) == ("declined", "charge_already_captured")
    assert shared.look_up(taken["reference"]) == (200, taken)


@pytest.mark.parametrize(("amount", "currency", "code"), [(1001, "eur", "amount_too_large"), (1000, "usd", "currency_mismatch")])
def test_a_capture_beyond_the_authorisation_is_declined(shared, amount, currency, code):
    held = shared.authorize(capture=False)["reference"]
    refused = shared.call("capture", authorization=held, amount=amount, currency=currency)
    assert (refused["status"], refused["code"]) == ("declined", code)
    assert shared.call("capture", authorization=held, amount=1000, currency="eur")["status"] == "captured"


@pytest.mark.parametrize("kind", ["capture", "refund"])
def test_money_moves_only_under_an_approved_authorisation(shared, kind):
    missing = shared.call(kind, authorization=new_reference(), amount=1, currency="eur")
    declined = shared.authorize("pm_card_chargeDeclined")["reference"]
    refused = shared.call(kind, authorization=declined, amount=1, currency="eur")
    assert (missing["status"], missing["code"]) == ("declined", "authorization_not_found")
    assert (refused["status"], refused["code"]) == ("declined", "authorization_not_approved")


def test_a_voided_authorisation_cannot_be_captured_or_voided_again(shared):
    held = shared.authorize(capture=False)["reference"]
    assert shared.call("void", authorization=held)["status"] == "voided"
    assert shared.call("void", authorization=held)["code"] == "authorization_voided"
    assert shared.call("capture", authorization=held, amount=1, currency="eur")["code"] == "authorization_voided"


def test_a_captured_authorisation_cannot_be_voided(shared):
    charged = shared.authorize()["reference"]
    assert shared.call("void", authorization=charged)["code"] == "charge_already_captured"


def test_refunds_never_exceed_what_was_captured(shared):
    charged = shared.authorize(amount=1000)["reference"]
    refunds = [shared.call("refund", authorization=charged, amount=a, currency="eur") for a in (700, 301, 300, 1)]
    assert [refund["status"] for refund in refunds] == ["refunded", "declined", "refunded", "declined"]
    assert [refund.get("code") for refund in refunds] == [None, "amount_too_large", None, "charge_already_refunded"]


def test_a_refund_of_a_partial_capture_is_capped_by_the_capture(shared):
    held = shared.authorize(capture=False)["reference"]
    assert shared.call("refund", authorization=held, amount=1, currency="eur")["code"] == "charge_not_captured"
    shared.call("capture", authorization=held, amount=400, currency="eur")
    assert shared.call("refund", authorization=held, amount=401, currency="eur")["code"] == "amount_too_large"
    assert shared.call("refund", authorization=held, amount=400, currency="eur")["status"] == "refunded"


def test_a_hundred_refunds_at_once_have_one_winner(shared):
    charged = shared.authorize()["reference"]
    with ThreadPoolExecutor(20) as callers:
        done = callers.map(lambda _: shared.call("refund", authorization=charged, amount=1000, currency="eur"), range(100))
    assert sorted(answer["status"] for answer in done) == ["declined"] * 99 + ["refunded"]
