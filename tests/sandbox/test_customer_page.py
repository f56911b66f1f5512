"""The page on which the customer approves or declines."""

from urllib.parse import quote

import pytest

from tests.sandbox.process import new_reference


def _ask(shared, **changes):
    return shared.authorize("pm_card_authenticationRequired", **changes)["reference"]


def _press(shared, reference, action, query=""):
    response = shared.raw("POST", f"/authenticate/{reference}{query}", f"action={action}".encode())
    return response.status, response.getheader("location")


def test_the_page_shows_what_is_asked_and_escapes_it(shared):
    reference = _ask(shared, amount=1234567, currency="kwd", description="<script>alert(1)</script>", merchant_reference="Order 7")
    page = shared.raw("GET", f"/authenticate/{reference}")
    html = page.content.decode()
    assert (page.status, page.getheader("content-type")) == (200, "text/html; charset=utf-8")
    assert all(part in html for part in ("1,234.567", "KWD", "Order 7", "Visa •••• 3184", "Approve", "Decline", reference))
    assert "<script" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize(("action", "status", "word"), [("approve", "captured", "succeeded"), ("decline", "declined", "failed")])
def test_the_customers_word_settles_the_payment(shared, action, status, word):
    reference = _ask(shared)
    query = "?return_url=" + quote("https://shop.example/back?order=7#top", safe="")
    location = f"https://shop.example/back?order=7&redirect_status={word}#top"
    assert _press(shared, reference, action, query) == (303, location)
    assert shared.look_up(reference)[1]["status"] == status


def test_a_declined_payment_says_that_the_customer_declined(shared):
    reference = _ask(shared)
    _press(shared, reference, "decline")
    assert shared.look_up(reference)[1]["code"] == "payment_intent_authentication_failure"
    assert shared.effects(reference) == ["requires_action", "declined"]


def test_only_the_first_word_counts(shared):
    reference = _ask(shared)
    query = "?return_url=https://shop.example/"
    assert _press(shared, reference, "approve", query)[1].endswith("succeeded")
    assert _press(shared, reference, "decline", query)[1].endswith("succeeded")
    assert shared.effects(reference) == ["requires_action", "captured"]
    assert "Payment approved" in shared.raw("GET", f"/authenticate/{reference}").content.decode()


def test_resending_the_request_shows_the_present_state(shared):
    asked = shared.authorize("pm_card_authenticationRequired", reference=new_reference())
    _press(shared, asked["reference"], "approve")
    again = shared.authorize("pm_card_authenticationRequired", reference=asked["reference"])
    assert (asked["status"], again["status"], "redirect_url" in again) == ("requires_action", "captured", False)


def test_a_withdrawn_payment_can_no_longer_be_approved(shared):
    reference = _ask(shared)
    assert shared.call("void", authorization=reference)["status"] == "voided"
    _press(shared, reference, "approve")
    assert shared.effects(reference) == ["requires_action"]
    assert "Payment withdrawn" in shared.raw("GET", f"/authenticate/{reference}").content.decode()


def test_an_approved_hold_is_authorised_and_can_be_captured(shared):
    reference = _ask(shared, capture=False)
    assert shared.call("capture", authorization=reference, amount=1, currency="eur")["code"] == "authorization_not_approved"
    _press(shared, reference, "approve")
    assert shared.call("capture", authorization=reference, amount=1000, currency="eur")["status"] == "captured"


@pytest.mark.parametrize(
    "return_url",
    ["javascript:alert(1)", "//evil.example", "ftp://x.example/", "https://a@b.example/", "https://", "https://[x/", "data:text/html,x"],
)
def test_no_other_address_is_followed(shared, return_url):
    reference = _ask(shared)
    response = shared.raw("POST", f"/authenticate/{reference}?return_url={quote(return_url, safe='')}", b"action=approve")
    assert (response.status, response.getheader("location")) == (200, None)
    assert "href" not in response.content.decode()


def test_a_return_address_cannot_add_headers(shared):
    query = "?return_url=" + quote("https://shop.example/\r\nset-cookie: a=b/ü", safe="")
    location = _press(shared, _ask(shared), "approve", query)[1]
    assert location.startswith("https://shop.example/")
    assert location.isascii()
    assert " " not in location


def test_the_return_address_may_come_with_the_request(shared):
    asked = shared.authorize("pm_card_authenticationRequired", return_url="https://shop.example/done")
    path = asked["redirect_url"].split(f":{shared.port}", 1)[1]
    assert path == f"/authenticate/{asked['reference']}?return_url=https%3A%2F%2Fshop.example%2Fdone"
    assert _press(shared, asked["reference"], "approve")[1] == "https://shop.example/done?redirect_status=succeeded"


@pytest.mark.parametrize(("method", "body", "status"), [("GET", b"", 404), ("POST", b"action=approve", 404), ("POST", b"action=x", 400)])
def test_there_is_no_page_for_what_was_never_asked(shared, method, body, status):
    assert shared.raw(method, f"/authenticate/{new_reference()}", body).status == status
