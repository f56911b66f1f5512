"""Cases 23, 25, 27–29 and 31–37 of the bad-input catalogue: keys, ids, lists, states, headers, paths."""

import uuid

import orjson
import pytest

from tests.bad_input import wire

INTENTS = "/v1/payment_intents"
GOOD = b'{"amount": 1000, "currency": "eur"}'
PAID = {"amount": 1000, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}


def post(base: str, secret: str, path: str, **fields: object) -> wire.Answer:
    return wire.send(base, wire.request("POST", path, secret=secret, body=orjson.dumps(fields)))


def get(base: str, secret: str, path: str) -> wire.Answer:
    return wire.send(base, wire.request("GET", path, secret=secret))


def assert_refused(answer: wire.Answer, *statuses: int, param: str | None = None) -> None:
    assert answer.status in (statuses or range(400, 500)), answer
    assert answer.error["type"], answer
    assert param in (None, answer.error.get("param")), answer


KEYS = {
    "empty": [("Idempotency-Key", "")],
    "256 characters": [("Idempotency-Key", "k" * 256)],
    "two headers": [("Idempotency-Key", "a"), ("Idempotency-Key", "b")],
    "control character": [("Idempotency-Key", "a\x07b")],
    "not ASCII": [("Idempotency-Key", "cl\xe9")],
    "a card number": [("Idempotency-Key", "4242424242424242")],
}


@pytest.mark.parametrize("case", KEYS)
def test_23_a_bad_idempotency_key_is_refused(base: str, make_merchant, case: str) -> None:
    answer = wire.send(base, wire.request("POST", INTENTS, secret=make_merchant().secret, body=GOOD, headers=KEYS[case]))
    assert 400 <= answer.status < 500, answer


def test_23_the_same_key_of_another_merchant_is_another_key(base: str, make_merchant) -> None:
    headers = [("Idempotency-Key", str(uuid.uuid4()))]
    answers = [wire.send(base, wire.request("POST", INTENTS, secret=make_merchant().secret, body=GOOD, headers=headers)) for _ in range(2)]
    assert answers[0].status == answers[1].status == 200
    assert orjson.loads(answers[0].body)["id"] != orjson.loads(answers[1].body)["id"]


IDS = ["ch_01h455vb4pex5vsknk084sn02q", "pi_nonsense", "..%2f..%2fetc%2fpasswd", "pi_%00", "pi_'%20OR%201=1--", "%20", "pi_" + "z" * 26]


@pytest.mark.parametrize("text", IDS)
def test_25_what_is_not_an_id_is_refused(base: str, make_merchant, text: str) -> None:
    assert_refused(get(base, make_merchant().secret, f"{INTENTS}/{text}"), 400, 404)


def test_25_another_merchants_id_is_as_absent_as_one_that_never_was(base: str, make_merchant) -> None:
    owner, stranger = make_merchant(), make_merchant()
    theirs = orjson.loads(post(base, owner.secret, INTENTS, **PAID).body)["id"]
    never = "pi_01h455vb4pex5vsknk084sn02q"
    for verb in ("", "/confirm", "/capture", "/cancel"):
        send = get if not verb else post
        answers = [send(base, stranger.secret, f"{INTENTS}/{one}{verb}") for one in (theirs, never)]
        assert [answer.status for answer in answers] == [404, 404]
        assert answers[0].error["message"].replace(theirs, never) == answers[1].error["message"]


@pytest.mark.parametrize(
    "query", ["limit=-1", "limit=0", "limit=1000000000", "limit=ten", "starting_after=pi_forged", "starting_after=x&ending_before=y"]
)
def test_27_a_bad_page_is_refused_by_name(base: str, make_merchant, query: str) -> None:
    assert_refused(get(base, make_merchant().secret, f"{INTENTS}?{query}"), 400)


DATES = [
    "created[gte]=200&created[lt]=100",
    "created[gte]=-99999999999999",
    "created=2026-01-01",
    "created[gte]=24:00",
    "created[near]=1",
    "created[gte]=99999999999999999999",
]


@pytest.mark.parametrize("query", DATES)
def test_28_a_bad_date_filter_is_refused_by_name(base: str, make_merchant, query: str) -> None:
    answer = get(base, make_merchant().secret, f"{INTENTS}?{query}")
    assert_refused(answer, 400)
    assert answer.error["param"].startswith("created")


def test_29_more_than_what_remains_is_not_refunded(base: str, make_merchant) -> None:
    secret = make_merchant().secret
    intent = orjson.loads(post(base, secret, INTENTS, **PAID).body)["id"]
    post(base, secret, INTENTS, **PAID)
    assert_refused(post(base, secret, "/v1/refunds", payment_intent=intent, amount=1001), 400, param="amount")
    assert post(base, secret, "/v1/refunds", payment_intent=intent, amount=1000).status == 200
    assert_refused(post(base, secret, "/v1/refunds", payment_intent=intent, amount=1), 400)


def test_29_what_was_not_paid_is_not_refunded_and_nothing_is_captured_twice(base: str, make_merchant) -> None:
    secret = make_merchant().secret
    unpaid = orjson.loads(post(base, secret, INTENTS, amount=1000, currency="eur").body)["id"]
    assert_refused(post(base, secret, "/v1/refunds", payment_intent=unpaid), 400)
    held = orjson.loads(post(base, secret, INTENTS, **PAID, capture_method="manual").body)["id"]
    assert post(base, secret, f"{INTENTS}/{held}/capture").status == 200
    assert_refused(post(base, secret, f"{INTENTS}/{held}/capture"), 400)


def test_31_test_and_live_never_meet(base: str, make_merchant) -> None:
    merchant = make_merchant()
    intent = orjson.loads(post(base, merchant.secret, INTENTS, amount=1000, currency="eur").body)["id"]
    assert_refused(get(base, merchant.live_secret, f"{INTENTS}/{intent}"), 404)
    assert orjson.loads(get(base, merchant.live_secret, INTENTS).body)["data"] == []


@pytest.mark.parametrize(
    "change", [str.lower, str.upper, lambda key: key[:-1], lambda key: key + "x", lambda key: "sk_test_", lambda key: "Bearer"]
)
def test_32_a_key_that_is_not_one_is_refused(base: str, make_merchant, change) -> None:
    answer = get(base, change(make_merchant().secret), INTENTS)
    assert_refused(answer, 401)
    assert answer.error["type"] == "authentication_error"


@pytest.mark.parametrize("query", ["api_key", "key", "access_token"])
def test_32_a_key_in_the_url_is_refused_and_not_echoed(base: str, make_merchant, query: str) -> None:
    secret = make_merchant().secret
    answer = wire.send(base, wire.request("GET", f"{INTENTS}?{query}={secret}"))
    assert_refused(answer, 400, 401)
    assert secret.encode() not in answer.body


def test_33_a_forged_host_is_refused(base: str, make_merchant) -> None:
    raw = wire.request("GET", INTENTS, secret=make_merchant().secret).replace(b"Host: 127.0.0.1", b"Host: evil.example")
    assert wire.send(base, raw).status == 400


def test_33_a_forged_address_changes_nothing(base: str, make_merchant) -> None:
    headers = [("X-Forwarded-For", "10.0.0.1"), ("X-Forwarded-Host", "evil.example"), ("X-Tenant", "other")]
    answer = wire.send(base, wire.request("GET", INTENTS, secret=make_merchant().secret, headers=headers))
    assert answer.status == 200
    assert b"evil.example" not in answer.body


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "HEAD", "FOO"])
def test_34_a_method_the_route_does_not_have_is_refused(base: str, make_merchant, method: str) -> None:
    answer = wire.send(base, wire.request(method, f"{INTENTS}/pi_01h455vb4pex5vsknk084sn02q/confirm", secret=make_merchant().secret))
    assert answer.status in {400, 404, 405}


def test_34_a_method_override_is_not_obeyed(base: str, make_merchant) -> None:
    headers = [("X-HTTP-Method-Override", "POST")]
    answer = wire.send(base, wire.request("GET", INTENTS, secret=make_merchant().secret, headers=headers))
    assert (answer.status, orjson.loads(answer.body)["object"]) == (200, "list")


SMUGGLED = {
    "both lengths": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /",
    "two lengths": b"Content-Length: 5\r\nContent-Length: 50\r\n\r\nabcde",
    "a folded header": b"X-Folded: a\r\n b\r\nContent-Length: -1\r\n\r\n",
}


@pytest.mark.parametrize("case", SMUGGLED)
def test_35_a_request_of_two_lengths_is_refused(base: str, make_merchant, case: str) -> None:
    head = f"POST {INTENTS} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer {make_merchant().secret}\r\n".encode()
    answer = wire.send(base, head + SMUGGLED[case])
    assert answer.status in {0, 400, 415}, answer


@pytest.mark.parametrize(
    "path",
    ["//v1//payment_intents", "/v1/payment_intents;x=1", "/v1/%2e%2e/admin/", "/v1/" + "a" * 9000, "/v1/payment_intents/", "/v1/nothing"],
)
def test_36_a_strange_path_is_not_found(base: str, make_merchant, path: str) -> None:
    answer = get(base, make_merchant().secret, path)
    assert answer.status in {400, 404, 414, 431}, answer


RETURN_URLS = [
    "javascript:alert(1)",
    "https://shop.example/\r\nX: y",
    "https://user:pass@shop.example/",
    "//shop.example/",
    "ftp://shop.example/",
    "data:text/html,x",
    "not a url",
]


@pytest.mark.parametrize("url", RETURN_URLS)
def test_37_a_return_url_that_leads_astray_is_refused(base: str, make_merchant, url: str) -> None:
    answer = post(base, make_merchant().secret, INTENTS, **(PAID | {"return_url": url}))
    assert_refused(answer, 400, param="return_url")
