"""The events API: filters, pages, whose events."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.core import ids
from tests.events.api import Api
from tests.events.listener import Reply
from tests.events.world import Shop, relay


@pytest.fixture
def api(shop) -> Api:
    return Api(shop.merchant.secret)


def names(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [event["id"] for event in response.json()["data"]]


def name(event_id) -> str:
    return ids.encode("evt", event_id)


def test_an_event_shows_the_object_as_it_was(shop, api):
    event_id = shop.emits(previous_attributes={"name": "Zoe"}, sequence=3, request_id="req_1", idempotency_key="k1")
    event = api.get(f"events/{name(event_id)}").json()
    assert event["data"] == {"object": {"id": "ch_1", "object": "charge", "name": "Zoë ☕"}, "previous_attributes": {"name": "Zoe"}}
    assert (event["object"], event["type"], event["sequence"], event["livemode"]) == ("event", "charge.succeeded", 3, False)
    assert event["request"] == {"id": "req_1", "idempotency_key": "k1"}


def test_the_list_is_newest_first_and_pages_both_ways(shop, api):
    made = [name(shop.emits()) for _ in range(5)][::-1]
    first = api.get("events", limit=2)
    assert (names(first), first.json()["has_more"]) == (made[:2], True)
    assert names(api.get("events", limit=2, starting_after=made[1])) == made[2:4]
    last = api.get("events", limit=2, starting_after=made[3])
    assert (names(last), last.json()["has_more"]) == (made[4:], False)
    assert names(api.get("events", limit=2, ending_before=made[3])) == made[1:3]


def test_the_list_is_filtered_by_one_type_or_several(shop, api):
    paid, refunded, canceled = (name(shop.emits(type)) for type in ("charge.succeeded", "refund.created", "payment_intent.canceled"))
    assert names(api.get("events", type="refund.created")) == [refunded]
    assert names(api.get("events", **{"types[]": ["refund.created", "charge.succeeded"]})) == [refunded, paid]
    assert names(api.get("events", type="*")) == [canceled, refunded, paid]
    assert names(api.get("events", type="charge.expired")) == []


def test_the_list_is_filtered_by_time(shop, api):
    when = datetime(2026, 3, 1, tzinfo=UTC)
    old, new = name(shop.emits(created=when)), name(shop.emits(created=when + timedelta(days=1)))
    second = int(when.timestamp())
    assert names(api.get("events", **{"created[lte]": second})) == [old]
    assert names(api.get("events", **{"created[gt]": second})) == [new]
    assert names(api.get("events", created=second)) == [old]


def test_where_business_time_is_real_the_ids_bound_the_time_too_and_show_the_same(shop, api, settings):
    settings.CLOCK_MAY_MOVE = False
    emitted = name(shop.emits())
    second = api.get("events").json()["data"][0]["created"]
    assert names(api.get("events", created=second)) == [emitted]
    assert names(api.get("events", **{"created[gte]": second, "created[lt]": second + 1})) == [emitted]
    for none in ({"created[gt]": second}, {"created[lt]": second}, {"created": 1}):
        assert names(api.get("events", **none)) == []


def test_pending_webhooks_counts_those_who_have_not_had_it(shop, api, listener):
    listener.replies = [Reply(200), Reply(500)]
    event_id, *_ = shop.told(listener.url)
    assert api.get(f"events/{name(event_id)}").json()["pending_webhooks"] == 0
    shop.listens(listener.url)
    waiting = shop.emits()
    relay()
    assert api.get(f"events/{name(waiting)}").json()["pending_webhooks"] == 2
    assert [event["pending_webhooks"] for event in api.get("events").json()["data"]] == [2, 0]


def test_nobody_sees_anothers_events(shop, api, make_merchant):
    event_id, stranger = shop.emits(), Shop(make_merchant())
    theirs = stranger.emits()
    assert names(api.get("events")) == [name(event_id)]
    refused = api.get(f"events/{name(theirs)}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "resource_missing")


def test_a_live_key_does_not_see_test_events(shop):
    event_id, live = shop.emits(), Api(shop.merchant.live_secret)
    assert names(live.get("events")) == []
    assert live.get(f"events/{name(event_id)}").status_code == 404


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"type": "no type"}, "type"),
        ({"type": "charge.succeeded", "types[]": ["refund.created"]}, "types"),
        ({"delivery_success": "true"}, "delivery_success"),
        ({"starting_after": "evt_x"}, "starting_after"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_parameter_is_named(api, query, param):
    refused = api.get("events", **query)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize("path", ["events/evt_nonsense", "events/ch_0123", "events/evt_01m7y7dkyeemaabw9xd1h1b02r"])
def test_what_does_not_exist_is_not_found(api, path):
    assert api.get(path).status_code in (400, 404)
