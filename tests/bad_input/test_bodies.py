"""Cases 1–24, 26 and 30 of the bad-input catalogue: a 4xx with code and parameter, no row, no echo."""

import gzip

import orjson
import pytest
from django.db import connection

from tests.bad_input import wire

GOOD = {"amount": 1000, "currency": "eur"}
INTENTS = "/v1/payment_intents"
PAN = "4242424242424242"


def body(**changes: object) -> bytes:
    return orjson.dumps(GOOD | changes)


def intents_of(merchant) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM payments_intent WHERE merchant_id = %s", [merchant.id])
        return cursor.fetchone()[0]


def refused(
    base: str, make_merchant, raw: bytes | None, *, kind: str = "application/json", headers: tuple = (), parts: tuple = ()
) -> wire.Answer:
    """The refusal of a POST: a 4xx in our shape, and the merchant has no intent."""
    merchant = make_merchant()
    answer = wire.send(base, wire.request("POST", INTENTS, secret=merchant.secret, body=raw, kind=kind, headers=headers), parts=parts)
    assert 400 <= answer.status < 500, answer
    assert answer.error["type"], answer
    assert answer.error["code"], answer
    assert b"Traceback" not in answer.body
    assert intents_of(merchant) == 0
    return answer


BODIES = {
    "01 no body": (None, "parameter_missing", "amount"),
    "02 empty body": (b"", "parameter_missing", "amount"),
    "03 root is a list": (b"[]", "body_invalid", None),
    "03 root is a text": (b'"x"', "body_invalid", None),
    "03 root is null": (b"null", "body_invalid", None),
    "04 truncated": (b'{"amount": 1000, "curr', "body_invalid", None),
    "05 trailing garbage": (b'{"amount": 1000, "currency": "eur"} x', "body_invalid", None),
    "06 duplicate key": (b'{"amount": 1, "amount": 1000, "currency": "eur"}', "parameter_repeated", "amount"),
    "07 NaN": (b'{"amount": NaN, "currency": "eur"}', "body_invalid", None),
    "07 Infinity": (b'{"amount": Infinity, "currency": "eur"}', "body_invalid", None),
    "07 1e400": (b'{"amount": 1e400, "currency": "eur"}', None, None),
    "08 float": (b'{"amount": 10.10, "currency": "eur"}', "parameter_invalid_integer", "amount"),
    "09 text for a number": (body(amount="10"), "parameter_invalid_integer", "amount"),
    "10 true for a number": (body(amount=True), "parameter_invalid_integer", "amount"),
    "11 negative": (body(amount=-5), "parameter_invalid_integer", "amount"),
    "12 zero": (body(amount=0), "parameter_invalid_integer", "amount"),
    "13 2^63": (b'{"amount": 9223372036854775808, "currency": "eur"}', "parameter_invalid_integer", "amount"),
    "13 2^64": (b'{"amount": 18446744073709551616, "currency": "eur"}', "parameter_invalid_integer", "amount"),
    "13 400 digits": (b'{"amount": ' + b"9" * 400 + b', "currency": "eur"}', None, None),
    "14 exponent": (body(amount="1E+3"), "parameter_invalid_integer", "amount"),
    "14 full-width digits": (body(amount="１２３"), "parameter_invalid_integer", "amount"),
    "14 Arabic digit": (body(amount="٣"), "parameter_invalid_integer", "amount"),
    "16 unknown currency": (body(currency="zzz"), None, "currency"),
    "16 historic currency": (body(currency="dem"), None, "currency"),
    "16 not a currency": (body(currency="eu"), None, "currency"),
    "17 nesting of 100,000": (b'{"metadata": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}", None, None),
    "17 nesting of 25": (b'{"amount": 1000, "currency": "eur", "metadata": ' + b"[" * 25 + b"]" * 25 + b"}", None, None),
    "18 a text of 200 kB": (body(description="x" * 200_000), None, "description"),
    "18 a text of 1 MB": (body(description="x" * 1_000_000), "body_too_large", None),
    "18 100,000 keys": (orjson.dumps({f"k{n}": 1 for n in range(100_000)}), "body_too_large", None),
    "18 a body of 10 MB": (b'{"description": "' + b"x" * 10_000_000 + b'"}', "body_too_large", None),
    "21 invalid UTF-8": (b'{"amount": 1000, "currency": "eur", "description": "\xff\xfe"}', "body_invalid", None),
    "21 lone surrogate": (b'{"amount": 1000, "currency": "eur", "description": "\\ud800"}', None, None),
    "21 NUL": (b'{"amount": 1000, "currency": "eur", "description": "a\\u0000b"}', None, "description"),
    "22 right-to-left override": (body(description="\u202egpj.exe"), None, "description"),
    "22 zero width": (body(description="pay\u200bpal"), None, "description"),
    "24 unknown field": (body(surprise=1), "parameter_unknown", "surprise"),
    "24 status": (body(status="succeeded"), "parameter_unknown", "status"),
    "24 merchant_id": (body(merchant_id="acct_1"), "parameter_unknown", "merchant_id"),
    "24 fee": (body(fee=0), "parameter_unknown", "fee"),
    "24 livemode": (body(livemode=True), "parameter_unknown", "livemode"),
    "26 51 keys": (body(metadata={f"k{n}": "v" for n in range(51)}), None, "metadata"),
    "26 a value of 501": (body(metadata={"k": "v" * 501}), None, "metadata[k]"),
    "26 a key of 41": (body(metadata={"k" * 41: "v"}), None, None),
    "26 nested": (body(metadata={"k": {"a": "b"}}), None, "metadata[k]"),
    "30 a card number": (body(description=f"card {PAN}"), "card_data_not_accepted", "description"),
    "30 a spaced card number": (body(description="4242 4242 4242 4242"), "card_data_not_accepted", "description"),
    "30 a dashed card number": (body(metadata={"note": "4242-4242-4242-4242"}), "card_data_not_accepted", "metadata[note]"),
    "30 a card number as a key": (body(metadata={PAN: "x"}), "card_data_not_accepted", None),
    "30 a CVC": (body(payment_method_data={"type": "card", "card": {"cvc": "123"}}), "card_data_not_accepted", None),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_bad_body_is_refused_by_name_and_leaves_nothing(base: str, make_merchant, case: str) -> None:
    raw, code, param = BODIES[case]
    answer = refused(base, make_merchant, raw)
    assert code in (None, answer.error["code"]), answer
    assert param in (None, answer.error.get("param")), answer
    assert PAN.encode() not in answer.body.replace(b" ", b"").replace(b"-", b"")


FORMS = {
    "06 duplicate field": (b"amount=1&amount=1000&currency=eur", "amount"),
    "08 float": (b"amount=10.10&currency=eur", "amount"),
    "11 negative": (b"amount=-1&currency=eur", "amount"),
    "14 exponent": (b"amount=1E%2B3&currency=eur", "amount"),
    "14 full-width digits": ("amount=１２３&currency=eur".encode(), "amount"),
    "17 deep brackets": (b"amount=1&currency=eur&metadata" + b"[a]" * 30 + b"=1", None),
    "21 invalid UTF-8": (b"amount=1000&currency=eur&description=%ff%fe", None),
    "21 NUL": (b"amount=1000&currency=eur&description=a%00b", "description"),
    "24 unknown field": (b"amount=1000&currency=eur&surprise=1", "surprise"),
    "24 bracket nonsense": (b"amount=1000&currency=eur&metadata[=1", None),
    "30 a card number": (b"amount=1000&currency=eur&description=4242+4242+4242+4242", "description"),
}


@pytest.mark.parametrize("case", FORMS)
def test_a_bad_form_is_refused_like_a_bad_body(base: str, make_merchant, case: str) -> None:
    raw, param = FORMS[case]
    answer = refused(base, make_merchant, raw, kind="application/x-www-form-urlencoded")
    assert param in (None, answer.error.get("param")), answer


KINDS = {
    "19 no content type": ("", ()),
    "19 text/plain": ("text/plain", ()),
    "19 multipart": ("multipart/form-data; boundary=x", ()),
    "19 UTF-7": ("application/json; charset=utf-7", ()),
    "20 gzip": ("application/json", (("Content-Encoding", "gzip"),)),
    "20 unknown encoding": ("application/json", (("Content-Encoding", "zip9"),)),
}


@pytest.mark.parametrize("case", KINDS)
def test_a_body_of_the_wrong_kind_is_refused(base: str, make_merchant, case: str) -> None:
    kind, headers = KINDS[case]
    raw = gzip.compress(body()) if "gzip" in case else body()
    assert refused(base, make_merchant, raw, kind=kind, headers=headers).error["code"] == "content_type_unsupported"


def test_18_a_chunked_body_that_never_ends_is_cut_off(base: str, make_merchant) -> None:
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    headers = (("Transfer-Encoding", "chunked"), ("Content-Type", "application/json"))
    answer = refused(base, make_merchant, None, headers=headers, parts=(chunk,) * 40)
    assert answer.error["code"] == "body_too_large"


def test_21_a_byte_order_mark_is_refused(base: str, make_merchant) -> None:
    assert refused(base, make_merchant, b"\xef\xbb\xbf" + body()).error["code"] == "body_invalid"


@pytest.mark.parametrize("name", ["Ægir & Søn 寿司", "שלום", "emoji 🍣", "раураl"])
def test_22_names_of_every_script_are_kept_as_they_are(base: str, make_merchant, name: str) -> None:
    answer = wire.send(base, wire.request("POST", INTENTS, secret=make_merchant().secret, body=body(description=name)))
    assert (answer.status, orjson.loads(answer.body)["description"]) == (200, name)


@pytest.mark.parametrize(("currency", "amount"), [("jpy", 1000), ("kwd", 1000), ("eur", 1000)])
def test_15_minor_units_are_the_currencys_own(base: str, make_merchant, currency: str, amount: int) -> None:
    answer = wire.send(base, wire.request("POST", INTENTS, secret=make_merchant().secret, body=body(currency=currency, amount=amount)))
    assert (answer.status, orjson.loads(answer.body)["amount"]) == (200, amount)


def test_15_a_currency_we_do_not_settle_in_is_refused(base: str, make_merchant) -> None:
    assert refused(base, make_merchant, body(currency="clf")).error["param"] == "currency"


@pytest.mark.parametrize("key", ["__proto__", "$where", "constructor", "a.b"])
def test_26_a_metadata_key_is_only_text(base: str, make_merchant, key: str) -> None:
    answer = wire.send(base, wire.request("POST", INTENTS, secret=make_merchant().secret, body=body(metadata={key: "x"})))
    assert (answer.status, orjson.loads(answer.body)["metadata"]) == (200, {key: "x"})
