"""What every endpoint has in common, through the DRF view and its async twin alike."""

import base64
import json

import pytest
from asgiref.sync import sync_to_async

from apps.core import db
from apps.core.ids import new_id
from apps.merchants import services
from tests.merchants.asgi import ask

AMOUNT = {"amount": 1050}


async def effects(key: str) -> int:
    rows = await db.aquery("SELECT count(*)::int AS n FROM tests_effect WHERE key = %s", [key])
    return rows[0]["n"]


async def test_an_object_is_shown_with_the_headers_of_every_answer(api):
    reply = await api.get("/v1/whoami/x")
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["request-id"].startswith("req_")
    assert int(reply.headers["ratelimit-limit"]) >= int(reply.headers["ratelimit-remaining"]) >= 0


async def test_json_and_form_bodies_are_the_same_request(api):
    headers = {"Idempotency-Key": f"both-{new_id()}"}
    first = await api.post("/v1/things", AMOUNT | {"metadata": {"a": "1"}}, **headers)
    form = {"Content-Type": "application/x-www-form-urlencoded"} | headers
    second = await ask(api.app, "POST", "/v1/things", headers=api.auth | form, chunks=[b"metadata[a]=1&amount=1050"])
    assert (first.status, second.status, second.body) == (200, 200, first.body)
    assert second.headers["idempotent-replayed"] == "true"


async def test_a_replay_is_byte_for_byte_and_has_one_effect(api):
    key = f"replay-{new_id()}"
    first = await api.post("/v1/things", AMOUNT | {"description": "é"}, Idempotency_Key=key)
    second = await api.post("/v1/things", AMOUNT | {"description": "é"}, Idempotency_Key=key)
    assert second.body == first.body
    assert "idempotent-replayed" not in first.headers
    assert (second.headers["idempotent-replayed"], second.headers["idempotency-key"]) == ("true", key)
    assert await effects(key) == 1


async def test_a_key_with_another_body_is_refused_without_effect(api):
    key = f"reused-{new_id()}"
    await api.post("/v1/things", AMOUNT, Idempotency_Key=key)
    reply = await api.post("/v1/things", {"amount": 1051}, Idempotency_Key=key)
    assert (reply.status, reply.error["code"], reply.error["type"]) == (422, "idempotency_key_reused", "idempotency_error")
    assert await effects(key) == 1


async def test_stripes_sdks_are_told_of_a_reused_key_by_the_status_that_they_know(api):
    key, sdk = f"sdk-{new_id()}", {"X-Stripe-Client-User-Agent": '{"bindings_version":"16.1.0"}'}
    await api.post("/v1/things", AMOUNT, Idempotency_Key=key, **sdk)
    reply = await api.post("/v1/things", {"amount": 1051}, Idempotency_Key=key, **sdk)
    assert (reply.status, reply.error["code"], reply.error["type"]) == (400, "idempotency_key_reused", "idempotency_error")


async def test_a_validation_error_does_not_use_the_key_up(api):
    key = f"invalid-{new_id()}"
    assert (await api.post("/v1/things", {"amount": -1}, Idempotency_Key=key)).status == 400
    assert (await api.post("/v1/things", AMOUNT, Idempotency_Key=key)).status == 200


async def test_another_merchants_key_is_another_key(api, make_merchant):
    key, other = f"tenant-{new_id()}", await sync_to_async(make_merchant)()
    await api.post("/v1/things", AMOUNT, Idempotency_Key=key)
    reply = await api.post("/v1/things", {"amount": 7}, Idempotency_Key=key, **other.auth)
    assert (reply.status, reply.json["amount"]) == (200, 7)


async def test_test_and_live_keys_do_not_share_idempotency_keys(api, shop):
    key = f"mode-{new_id()}"
    await api.post("/v1/things", AMOUNT, Idempotency_Key=key)
    reply = await api.post("/v1/things", {"amount": 7}, Idempotency_Key=key, Authorization=f"Bearer {shop.live_secret}")
    assert reply.status == 200


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "naïve", "\u0001", "日".encode().decode("latin-1")])
async def test_a_key_that_cannot_be_used_is_refused(api, key):
    reply = await api.post("/v1/things", AMOUNT, Idempotency_Key=key)
    assert (reply.status, reply.error["code"]) == (400, "idempotency_key_invalid")


async def test_two_key_headers_are_refused(api):
    headers = [*api.auth.items(), ("Content-Type", "application/json"), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    reply = await ask(api.app, "POST", "/v1/things", headers=headers, chunks=[b'{"amount":1}'])
    assert (reply.status, reply.error["code"]) == (400, "idempotency_key_invalid")


async def test_a_card_number_in_the_key_is_refused(api):
    reply = await api.post("/v1/things", AMOUNT, Idempotency_Key="order-4242 4242 4242 4242")
    assert (reply.status, reply.error["code"]) == (422, "card_data_not_accepted")
    assert b"4242" not in reply.body


async def test_an_account_may_require_a_key(app, make_merchant):
    strict = await sync_to_async(make_merchant)(settings={"require_idempotency_key": True})
    headers = strict.auth | {"Content-Type": "application/json"}
    reply = await ask(app, "POST", "/v1/things", headers=headers, chunks=[b'{"amount":1}'])
    assert (reply.status, reply.error["code"]) == (400, "idempotency_key_required")


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic !!!", "Digest x", "Bearer sk_test_nope", "sk_test_nope"])
async def test_without_a_valid_key_the_answer_is_401(app, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    reply = await ask(app, "GET", "/v1/things", headers=headers)
    assert (reply.status, reply.error["type"]) == (401, "authentication_error")
    assert reply.headers["www-authenticate"].startswith("Bearer")
    assert reply.error["request_id"] == reply.headers["request-id"]


async def test_a_lower_cased_or_cut_key_is_invalid(app, shop):
    for secret in (shop.secret.lower(), shop.secret[:-1], shop.secret + "x", shop.secret.replace("test", "live")):
        reply = await ask(app, "GET", "/v1/things", headers={"Authorization": f"Bearer {secret}"})
        assert reply.error["code"] == "api_key_invalid"
        assert secret not in reply.body.decode()


async def test_basic_authentication_takes_the_key_as_user_name(app, shop):
    credentials = base64.b64encode(f"{shop.secret}:".encode()).decode()
    reply = await ask(app, "GET", "/v1/whoami/x", headers={"Authorization": f"Basic {credentials}"})
    assert reply.json["account"] == shop.account


async def test_cookies_are_neither_read_nor_set(api):
    """A browser's session would be ended by the API's answer, and one that never was too."""
    reply = await api.get("/v1/whoami/x", Cookie="sessionid=x; csrftoken=y; messages=z")
    assert reply.status == 200
    assert reply.headers.keys() == (await api.get("/v1/whoami/x")).headers.keys()
    assert "set-cookie" not in reply.headers


@pytest.mark.parametrize("url", ["/v1/things?api_key={key}", "/v1/things?key=a&x={key}", "/v1/whoami/{key}"])
async def test_a_key_in_the_url_is_refused_and_not_repeated(app, shop, url):
    reply = await ask(app, "GET", url.format(key=shop.secret), headers=shop.auth)
    assert (reply.status, reply.error["code"]) == (400, "api_key_in_url")
    assert shop.secret not in reply.body.decode()


async def test_the_mode_comes_from_the_key(app, shop):
    test = await ask(app, "GET", "/v1/whoami/x", headers=shop.auth)
    live = await ask(app, "GET", "/v1/whoami/x", headers={"Authorization": f"Bearer {shop.live_secret}"})
    assert (test.json["livemode"], live.json["livemode"]) == (False, True)


async def test_forwarded_headers_change_nothing(api):
    spoofed = {"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Host": "evil.example", "X-Tenant": "acct_x", "Forwarded": "for=1.2.3.4"}
    reply = await ask(api.app, "GET", "/v1/whoami/x", headers=api.auth | spoofed)
    assert reply.status == 200
    assert b"evil" not in reply.body


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "BREW"])
async def test_other_methods_are_405_with_allow(api, method):
    reply = await ask(api.app, method, "/v1/things", headers=api.auth)
    assert (reply.status, reply.error["code"]) == (405, "method_not_allowed")
    assert reply.headers["allow"] == "HEAD, GET, POST"


async def test_a_method_override_is_ignored(api):
    reply = await api.post("/v1/things", AMOUNT, X_HTTP_Method_Override="DELETE")
    assert reply.json["object"] == "thing"
    assert (await api.post("/v1/things", AMOUNT | {"_method": "DELETE"})).error["param"] == "_method"


async def test_head_is_a_get_without_a_body_where_there_is_a_get(api):
    reply = await ask(api.app, "HEAD", "/v1/things", headers=api.auth)
    assert reply.status == 200


async def test_options_lists_the_methods_without_a_key(app):
    reply = await ask(app, "OPTIONS", "/v1/things")
    assert (reply.status, reply.headers["allow"], reply.body) == (204, "HEAD, GET, POST, OPTIONS", b"")


@pytest.mark.parametrize(
    "url", ["/v1/nothing", "/v1//things", "/v1/things/", "/v1/%2e%2e/things", "/v1/things;x", "/v1/whoami/a/b", "/v1/whoami/%00/../"]
)
async def test_an_unknown_url_is_a_404_in_json(api, url):
    reply = await api.get(url)
    assert (reply.status, reply.error["code"]) == (404, "route_not_found")
    assert reply.headers["request-id"] == reply.error["request_id"]


@pytest.mark.parametrize("url", ["/v1/whoami/" + "x" * 9_000, "/v1/things?limit=" + "1" * 9_000, "/v1/whoami/a%00b", "/v1/whoami/a%0d%0ab"])
async def test_a_url_that_is_too_long_or_holds_controls_is_refused(api, url):
    reply = await api.get(url)
    assert (reply.status, reply.error["code"]) in {(400, "url_invalid"), (404, "route_not_found")}


@pytest.mark.parametrize("url", ["/v1/whoami/4242424242424242", "/v1/things?limit=4242+4242+4242+4242", "/v1/things?x=%34242424242424242"])
async def test_a_card_number_in_the_url_is_refused_and_not_repeated(api, url):
    reply = await api.get(url)
    assert (reply.status, reply.error["code"]) == (422, "card_data_not_accepted")
    assert b"4242" not in reply.body


async def test_the_query_of_a_list_is_checked_by_name(api):
    assert (await api.get("/v1/things?limit=5")).json["limit"] == 5
    assert (await api.get("/v1/things?limit=0")).error["param"] == "limit"
    assert (await api.get("/v1/things?colour=red")).error["param"] == "colour"
    assert (await api.get("/v1/things?limit=1&limit=2")).error["param"] == "limit"


async def test_a_get_with_a_body_and_a_post_with_a_query_are_refused(api):
    reply = await ask(api.app, "GET", "/v1/things", headers=api.auth, chunks=[b'{"limit":1}'])
    assert reply.error["code"] == "body_invalid"
    assert (await api.post("/v1/things?livemode=true", AMOUNT)).error["code"] == "parameter_unknown"


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "x-bomb"])
async def test_a_compressed_body_is_refused_unread(api, encoding):
    reply = await api.post("/v1/things", b"\x1f\x8b" + b"\x00" * 100, Content_Encoding=encoding)
    assert (reply.status, reply.error["code"]) == (400, "content_type_unsupported")


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/json; charset=utf-7"])
async def test_other_content_types_are_refused(api, content_type):
    reply = await api.post("/v1/things", AMOUNT, Content_Type=content_type)
    assert (reply.status, reply.error["code"]) == (400, "content_type_unsupported")


async def test_a_key_without_the_scope_is_403(app, shop):
    _, secret = await sync_to_async(services.issue_key)(merchant_id=shop.id, livemode=False, scopes=["payments:read"])
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    assert (await ask(app, "GET", "/v1/things", headers=headers)).status == 200
    reply = await ask(app, "POST", "/v1/things", headers=headers, chunks=[b'{"amount":1}'])
    assert (reply.status, reply.error["code"]) == (403, "insufficient_scope")
    assert "payments:write" in reply.error["message"]


async def test_an_unexpected_exception_is_a_500_with_the_request_id_and_nothing_else(api, caplog):
    reply = await api.post("/v1/things", AMOUNT | {"fail": True}, Idempotency_Key="boom")
    assert reply.status == 500
    assert set(reply.error) == {"type", "code", "message", "request_id", "doc_url"}
    assert reply.error["request_id"] == reply.headers["request-id"]
    assert b"boom" not in reply.body
    assert b"Traceback" not in reply.body
    assert "RuntimeError" in caplog.text


async def test_a_lost_database_connection_is_a_503_and_the_next_request_is_served(api):
    reply = await api.post("/v1/things", AMOUNT | {"cut": True})
    assert (reply.status, reply.error["code"], reply.headers["retry-after"]) == (503, "unavailable", "1")
    assert b"terminat" not in reply.body
    assert (await api.post("/v1/things", AMOUNT)).status == 200


async def test_an_error_has_stripes_shape(api):
    reply = await api.post("/v1/things", {"amount": "10"})
    assert reply.error == {
        "type": "invalid_request_error",
        "code": "parameter_invalid_integer",
        "message": "Invalid amount: it must be an integer.",
        "param": "amount",
        "request_id": reply.headers["request-id"],
        "doc_url": reply.error["doc_url"],
    }
    assert reply.error["doc_url"].endswith("/docs/errors#parameter_invalid_integer")


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{", b'{"amount":1}x', b"\xff", b"[" * 100_000, b'{"amount":1,"amount":1}', b'{"amount":NaN}']
)
async def test_a_broken_body_is_a_400_in_both(api, raw):
    reply = await api.post("/v1/things", raw)
    assert (reply.status, reply.error["type"]) == (400, "invalid_request_error")


async def test_a_body_that_is_too_large_is_refused_whole_or_chunked(api):
    large = json.dumps(AMOUNT | {"description": "x" * 1_000_000}).encode()
    headers = api.auth | {"Content-Type": "application/json"}
    whole = await ask(api.app, "POST", "/v1/things", headers=headers | {"Content-Length": str(len(large))}, chunks=[large])
    chunked = await ask(api.app, "POST", "/v1/things", headers=headers, chunks=[b"x" * 65_536] * 160)
    assert [(reply.status, reply.error["code"]) for reply in (whole, chunked)] == [(413, "body_too_large")] * 2


async def test_a_body_in_many_chunks_is_put_together(api):
    raw = b'{"amount": 1050}'
    reply = await ask(
        api.app,
        "POST",
        "/v1/things",
        headers=api.auth | {"Content-Type": "application/json"},
        chunks=[raw[n : n + 1] for n in range(len(raw))],
    )
    assert reply.json["amount"] == 1050
