"""Every documented token does what the table says."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.tokens import TOKENS
from tests.sandbox.process import ROOT

APPROVED = sorted(t.name for t in TOKENS.values() if t.outcome == "approved" and t.behaviour == "answer")
DECLINED = sorted(t.name for t in TOKENS.values() if t.outcome == "declined")
ASKING = sorted(t.name for t in TOKENS.values() if t.outcome == "requires_action")


def _card(answer):
    return {name: answer["card"][name] for name in ("brand", "last4", "funding", "country")}


def _documented(name):
    return {field: getattr(TOKENS[name], field) for field in ("brand", "last4", "funding", "country")}


@pytest.mark.parametrize("name", APPROVED)
def test_an_approved_token_is_charged(shared, name):
    answer = shared.authorize(name)
    assert (answer["status"], "code" in answer) == ("captured", False)
    assert _card(answer) == _documented(name)


@pytest.mark.parametrize("name", DECLINED)
def test_a_declined_token_says_why(shared, name):
    answer = shared.authorize(name)
    assert (answer["status"], answer["code"]) == ("declined", TOKENS[name].code)
    assert answer.get("decline_code") == TOKENS[name].decline_code
    assert _card(answer) == _documented(name)


@pytest.mark.parametrize("name", ASKING)
@pytest.mark.parametrize("capture", [True, False])
def test_an_asking_token_ends_as_the_customer_and_the_issuer_decide(shared, name, capture):
    asked = shared.authorize(name, capture=capture)
    assert (asked["status"], "redirect_url" in asked) == ("requires_action", True)
    shared.raw("POST", f"/authenticate/{asked['reference']}", b"action=approve")
    _, answer = shared.look_up(asked["reference"])
    approved = "captured" if capture else "authorized"
    assert answer["status"] == (approved if TOKENS[name].after_action == "approved" else "declined")
    assert answer.get("code") == TOKENS[name].code


@pytest.mark.parametrize("spelling", ["pm_card_chargeDeclinedLostCard", "pm_card_visa_chargeDeclinedLostCard"])
def test_both_spellings_of_a_decline_are_known(shared, spelling):
    assert shared.authorize(spelling)["decline_code"] == "lost_card"


def test_an_unknown_token_is_declined(shared):
    answer = shared.authorize("pm_card_nobody_issued_this")
    assert (answer["status"], answer["code"], answer["card"]["brand"]) == ("declined", "invalid_payment_method", "unknown")


def test_a_refund_to_the_refund_fail_card_is_declined(shared):
    charged = shared.authorize("pm_card_refundFail")["reference"]
    assert shared.call("refund", authorization=charged, amount=1, currency="eur")["code"] == "refund_failed"


def test_the_table_is_served_as_data(shared):
    table = shared.get("/tokens")
    assert table.keys() == TOKENS.keys()
    assert (table["pm_card_amex"]["brand"], table["pm_card_createDispute"]["dispute"]) == ("amex", "fraudulent")


def test_the_same_card_has_the_same_fingerprint_under_every_name(shared):
    with ThreadPoolExecutor(3) as callers:
        names = ("pm_card_visa", "pm_card_us", "pm_card_mastercard")
        visa, us, mastercard = (answer["card"]["fingerprint"] for answer in callers.map(shared.authorize, names))
    assert visa == us != mastercard


def test_the_documentation_names_every_token():
    text = (ROOT / "docs" / "sandbox.md").read_text()
    plain = {name.replace("pm_card_visa_charge", "pm_card_charge") for name in TOKENS}
    countries = {name for name in plain if len(name) == len("pm_card_xx")}
    assert [name for name in sorted(plain - countries) if f"`{name}`" not in text] == []
    assert [name for name in sorted(countries) if f" {name[-2:]}" not in text.replace("`", " ").replace("pm_card_us", " us")] == []
