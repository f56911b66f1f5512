"""Webhook endpoints over HTTP: made, read, changed, rolled, deleted."""

import threading

import pytest
import stripe
from django.conf import settings
from django.db import connection
from redis import Redis

from apps.core import db
from apps.events import domain, selectors
from tests.events.api import Api
from tests.events.world import Shop, relay, signatures

URL = "https://shop.example/hook"
WANTED = {"url": URL, "enabled_events": ["charge.succeeded", "refund.created"]}


@pytest.fixture
def api(shop) -> Api:
    return Api(shop.merchant.secret)


def made(api: Api, **details) -> dict:
    response = api.post("webhook_endpoints", WANTED | details)
    assert response.status_code == 200, response.content
    return response.json()


def refusal(response) -> tuple[int, str, str | None]:
    error = response.json()["error"]
    return response.status_code, error["code"], error.get("param")


def count(shop: Shop) -> int:
    return db.query("SELECT count(*) AS n FROM events_webhook_endpoint WHERE merchant_id = %s", [shop.id])[0]["n"]


def test_the_secret_is_shown_when_the_endpoint_is_made_and_never_again(api):
    endpoint = made(api, description="Orders", metadata={"team": "7"})
    secret = endpoint.pop("secret")
    assert secret.startswith("whsec_")
    assert api.get(f"webhook_endpoints/{endpoint['id']}").json() == endpoint
    assert api.get("webhook_endpoints").json()["data"] == [endpoint]
    assert (endpoint["status"], endpoint["metadata"], endpoint["enabled_events"]) == ("enabled", {"team": "7"}, WANTED["enabled_events"])


def test_a_retry_with_the_same_key_makes_one_endpoint(shop, api):
    first, second = (api.post("webhook_endpoints", WANTED, **{"Idempotency-Key": "make-it"}) for _ in range(2))
    assert first.content == second.content
    assert second.headers["Idempotent-Replayed"] == "true"
    assert count(shop) == 1


def test_a_secret_is_never_in_redis(shop, api):
    endpoint = api.post("webhook_endpoints", WANTED, **{"Idempotency-Key": "make"}).json()
    api.post(f"webhook_endpoints/{endpoint['id']}/roll_secret", {}, **{"Idempotency-Key": "roll"})
    api.post(f"webhook_endpoints/{endpoint['id']}", {"description": "x"}, **{"Idempotency-Key": "change"})
    redis = Redis.from_url(settings.REDIS_URL)
    values = [redis.get(name) for name in redis.keys(f"florin:replay:{shop.id.hex}:*")]
    assert len(values) == 1
    assert b"whsec_" not in values[0]


def test_what_is_left_out_of_a_change_stays(api):
    endpoint = made(api, metadata={"a": "1", "b": "2"})
    changed = api.post(f"webhook_endpoints/{endpoint['id']}", {"metadata": {"a": "", "c": "3"}, "description": "New"}).json()
    assert (changed["url"], changed["description"], changed["metadata"]) == (URL, "New", {"b": "2", "c": "3"})
    assert "secret" not in changed


def test_an_endpoint_that_is_switched_off_gets_nothing_until_it_is_on_again(shop, api, listener):
    endpoint = made(api, url=listener.url)
    off = api.post(f"webhook_endpoints/{endpoint['id']}", {"disabled": True}).json()
    unheard = shop.emits()
    relay()
    on = api.post(f"webhook_endpoints/{endpoint['id']}", {"disabled": False}).json()
    heard = shop.emits()
    relay()
    assert (off["status"], on["status"]) == ("disabled", "enabled")
    assert (len(shop.deliveries(unheard)), len(shop.deliveries(heard))) == (0, 1)


def test_a_deleted_endpoint_is_gone_and_gets_nothing(shop, api):
    endpoint = made(api)
    path = f"webhook_endpoints/{endpoint['id']}"
    assert api.delete(path).json() == {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}
    assert [api.get(path).status_code, api.post(path, {}).status_code, api.delete(path).status_code] == [404, 404, 404]
    assert api.get("webhook_endpoints").json()["data"] == []
    event_id = shop.emits()
    relay()
    assert shop.deliveries(event_id) == []


def test_a_rolled_secret_is_shown_once_and_signs_beside_the_old_one(shop, api, listener):
    endpoint = made(api, url=listener.url)
    rolled = api.post(f"webhook_endpoints/{endpoint['id']}/roll_secret", {"expires_in": 60}).json()
    shop.emits()
    relay()
    shop.sends_all(endpoint_row(shop))
    (call,) = listener.calls
    assert rolled["secret"] != endpoint["secret"]
    assert len(signatures(call.headers)) == 2
    for secret in (rolled["secret"], endpoint["secret"]):
        stripe.Webhook.construct_event(call.body, call.headers["stripe-signature"], secret)


def endpoint_row(shop: Shop):
    return selectors.endpoints(shop.id, livemode=False).get()


def test_endpoints_page_newest_first(api):
    names = [made(api, url=f"{URL}/{number}")["id"] for number in range(3)][::-1]
    first = api.get("webhook_endpoints", limit=2).json()
    assert ([one["id"] for one in first["data"]], first["has_more"]) == (names[:2], True)
    rest = api.get("webhook_endpoints", starting_after=names[1]).json()
    assert ([one["id"] for one in rest["data"]], rest["has_more"]) == (names[2:], False)


def test_nobody_reaches_anothers_endpoint(shop, api, make_merchant):
    path = f"webhook_endpoints/{made(api)['id']}"
    for stranger in (Api(make_merchant().secret), Api(shop.merchant.live_secret)):
        answers = [
            stranger.get(path),
            stranger.post(path, {"disabled": True}),
            stranger.delete(path),
            stranger.post(f"{path}/roll_secret", {}),
        ]
        assert [answer.status_code for answer in answers] == [404, 404, 404, 404]
        assert stranger.get("webhook_endpoints").json()["data"] == []
    assert api.get(path).json()["status"] == "enabled"


def test_the_limit_holds_however_many_are_made_at_once(shop):
    def make() -> None:
        Api(shop.merchant.secret).post("webhook_endpoints", WANTED)
        connection.close()

    threads = [threading.Thread(target=make) for _ in range(domain.MAX_ENDPOINTS + 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(shop) == domain.MAX_ENDPOINTS
    refused = Api(shop.merchant.secret).post("webhook_endpoints", WANTED)
    assert refusal(refused) == (400, "webhook_endpoint_limit_reached", "url")


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"url": "ftp://shop.example/"}, "url"),
        ({"url": ""}, "url"),
        ({"url": "https://shop.example/" + "x" * 2048}, "url"),
        ({"enabled_events": []}, "enabled_events"),
        ({"enabled_events": ["Charge Succeeded"]}, "enabled_events[0]"),
        ({"enabled_events": "charge.succeeded"}, "enabled_events"),
        ({"metadata": {"k": 5}}, "metadata[k]"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_parameter_is_named_and_nothing_is_made(shop, api, change, param):
    refused = api.post("webhook_endpoints", WANTED | change)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
    assert count(shop) == 0


def test_an_address_inside_is_refused_by_name(shop, api, settings):
    settings.WEBHOOK_ALLOW_PRIVATE = False
    assert refusal(api.post("webhook_endpoints", WANTED | {"url": "https://127.0.0.1/"})) == (400, "url_invalid", "url")
    assert count(shop) == 0


@pytest.mark.parametrize("id", ["we_nonsense", "evt_01m7y7dkyeemaabw9xd1h1b02r", "we_01m7y7dkyeemaabw9xd6s4q36j"])
def test_what_does_not_exist_is_not_found(api, id):
    assert api.get(f"webhook_endpoints/{id}").status_code in (400, 404)
