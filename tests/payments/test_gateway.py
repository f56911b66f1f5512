"""Reading the gateway's answers: what is not certainly the answer to our question is unknown."""

import orjson
import pytest

from apps.core.http import HttpReply
from apps.payments.gateways.base import Asked
from apps.payments.gateways.sandbox import Sandbox

CARD = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2034, "funding": "credit", "country": "US", "fingerprint": "f"}
ASKED = Asked(kind="authorize", reference="att_1", amount=1000, currency="eur", capture=True, token="pm_card_visa")
RIGHT = {
    "reference": "att_1",
    "kind": "authorize",
    "status": "captured",
    "amount": 1000,
    "currency": "eur",
    "network_reference": "nw",
    "card": CARD,
}


def read(document: object, *, status: int = 200, asked: Asked = ASKED):
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    return Sandbox().read(HttpReply(status, {}, body), asked)


def test_the_answer_to_our_question_is_read() -> None:
    reply = read(RIGHT)
    assert (reply.verdict, reply.network_reference, reply.card.last4) == ("captured", "nw", "4242")


def test_a_decline_keeps_its_reasons() -> None:
    reply = read(RIGHT | {"status": "declined", "code": "card_declined", "decline_code": "lost_card"})
    assert (reply.verdict, reply.code, reply.decline_code) == ("declined", "card_declined", "lost_card")


@pytest.mark.parametrize(
    "wrong",
    [
        {"reference": "att_2"},
        {"amount": 999},
        {"currency": "usd"},
        {"kind": "capture"},
        {"status": "fine"},
        {"status": "authorized"},  # less than we asked for
        {"status": "requires_action"},  # without a page
        {"card": None},
        {"amount": "1000"},
    ],
)
def test_an_answer_to_another_question_is_unknown(wrong: dict) -> None:
    assert read(RIGHT | wrong).verdict == "unknown"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"<html>", b'{"reference": "att_1"}', orjson.dumps(RIGHT)[:60]])
def test_nonsense_is_unknown(body: bytes) -> None:
    assert read(body).verdict == "unknown"


@pytest.mark.parametrize("status", [201, 302, 400, 401, 409, 429, 500, 502, 503])
def test_any_other_status_is_unknown(status: int) -> None:
    assert read(RIGHT, status=status).verdict == "unknown"


def test_a_gateway_that_denies_the_reference_says_missing() -> None:
    assert read({"error": "not_found"}, status=404).verdict == "missing"


def test_a_404_of_somebody_else_says_nothing() -> None:
    assert read(b"<html>not found</html>", status=404).verdict == "unknown"


def test_an_authorisation_without_capture_must_not_have_captured() -> None:
    asked = Asked(kind="authorize", reference="att_1", amount=1000, currency="eur", capture=False)
    assert read(RIGHT, asked=asked).verdict == "unknown"
    assert read(RIGHT | {"status": "authorized"}, asked=asked).verdict == "authorized"


def test_the_same_question_is_the_same_bytes() -> None:
    assert Sandbox().request(ASKED) == Sandbox().request(ASKED)
    assert orjson.loads(Sandbox().request(ASKED).body)["reference"] == "att_1"
