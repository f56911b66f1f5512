"""Deliveries to a real server that answers badly."""

import time
from email.utils import formatdate

import pytest
import standardwebhooks
import stripe

from apps.events import domain, flows, services
from tests.conftest import free_port
from tests.events.listener import Reply
from tests.events.world import Shop, log_of, pause_of, relay, secret_of, signatures


def test_a_2xx_answer_ends_the_delivery(shop, listener):
    _, _, delivery = shop.told(listener.url)
    assert (delivery["state"], delivery["attempts"], delivery["last_status"]) == ("succeeded", 1, 200)
    assert [(attempt["status"], attempt["error"]) for attempt in log_of(delivery)] == [(200, None)]


def test_a_500_is_tried_again_after_each_pause_of_the_schedule_then_given_up(shop, listener):
    listener.last = Reply(500, body=b"no\x00pe")
    event_id, endpoint, delivery = shop.told(listener.url)
    for pause in domain.PAUSES_S:
        assert delivery["state"] == "pending"
        assert pause <= pause_of(delivery) < pause + 5
        delivery = shop.sends(event_id, endpoint)
    assert (delivery["state"], delivery["attempts"], len(listener.calls)) == ("failed", 10, 10)
    assert log_of(delivery)[-1]["response"] == "no\ufffdpe"


def test_the_body_is_the_same_to_the_byte_at_every_attempt(shop, listener):
    listener.replies = [Reply(500), Reply(502)]
    event_id, endpoint, _ = shop.told(listener.url)
    shop.sends(event_id, endpoint)
    assert shop.sends(event_id, endpoint)["state"] == "succeeded"
    first, *others = listener.calls
    assert [call.body for call in others] == [first.body, first.body]
    assert {call.headers["webhook-id"] for call in listener.calls} == {first.headers["webhook-id"]}


def test_a_410_switches_the_endpoint_off_and_tells_the_merchant_once(shop, listener):
    listener.last = Reply(410)
    _, endpoint, delivery = shop.told(listener.url)
    endpoint.refresh_from_db()
    assert (endpoint.status, endpoint.disabled_reason, delivery["state"]) == ("disabled", "gone", "failed")
    (event,) = shop.events("webhook_endpoint.disabled")
    assert event["object_id"] == endpoint.id
    shop.emits()
    relay()
    assert len(shop.events("webhook_endpoint.disabled")) == 1
    assert len(listener.calls) == 1


def test_what_waits_for_an_endpoint_that_was_switched_off_is_dropped(shop, listener):
    listener.last = Reply(500)
    event_id, endpoint, _ = shop.told(listener.url)
    services.disable_endpoint(endpoint_id=endpoint.id, reason="failing")
    assert shop.sends(event_id, endpoint)["state"] == "dropped"
    assert len(listener.calls) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(shop, listener, status):
    listener.last = Reply(status, {"Location": f"http://127.0.0.1:{listener.port}/elsewhere"})
    _, _, delivery = shop.told(listener.url)
    assert (delivery["state"], delivery["last_status"]) == ("pending", status)
    assert [call.path for call in listener.calls] == ["/hook"]


def test_a_server_that_takes_too_long_has_failed(shop, listener, monkeypatch):
    monkeypatch.setattr(domain, "DEADLINE_S", 0.3)
    listener.last = Reply(200, after_s=1.0)
    _, _, delivery = shop.told(listener.url)
    assert (delivery["state"], delivery["last_error"]) == ("pending", "timeout")
    assert 300 <= log_of(delivery)[0]["duration_ms"] < 1000


def test_a_connection_that_is_cut_has_failed(shop, listener):
    listener.last = Reply(0)
    _, _, delivery = shop.told(listener.url)
    assert (delivery["state"], delivery["last_error"]) == ("pending", "reset")


def test_a_server_that_is_not_there_has_failed(shop):
    _, _, delivery = shop.told(f"http://127.0.0.1:{free_port()}/hook")
    assert (delivery["state"], delivery["last_error"]) == ("pending", "connect")


@pytest.mark.parametrize(("asked", "pause"), [("120", 120), ("1", 5), ("999999999", 86_400), ("soon", 5), ("-7", 5)])
def test_a_longer_pause_that_the_server_asks_for_is_granted_up_to_a_day(shop, listener, asked, pause):
    listener.last = Reply(503, {"Retry-After": asked})
    _, _, delivery = shop.told(listener.url)
    assert pause <= pause_of(delivery) < pause + 5


def test_a_date_in_retry_after_is_understood(shop, listener):
    listener.last = Reply(429, {"Retry-After": formatdate(time.time() + 600, usegmt=True)})
    _, _, delivery = shop.told(listener.url)
    assert 590 < pause_of(delivery) < 605


def test_an_endless_answer_is_read_for_a_kilobyte_only(shop, listener):
    listener.last = Reply(200, body=b"x" * 5_000_000)
    _, _, delivery = shop.told(listener.url)
    assert delivery["state"] == "succeeded"
    assert log_of(delivery)[0]["response"] == "x" * 1024


def test_a_delivery_convinces_both_official_verifiers(shop, listener):
    _, endpoint, _ = shop.told(listener.url)
    (call,) = listener.calls
    secret = secret_of(endpoint, 1)
    event = stripe.Webhook.construct_event(call.body, call.headers["stripe-signature"], secret)
    assert (event.type, event.data.object["name"]) == ("charge.succeeded", "Zoë ☕")
    assert standardwebhooks.Webhook(secret).verify(call.body, call.headers)["id"] == event.id


def test_the_old_and_the_new_secret_both_verify_while_a_secret_rolls(shop, listener):
    endpoint = shop.listens(listener.url)
    shop.merchant_rolls(endpoint, seconds=3600)
    shop.emits()
    relay()
    shop.sends_all(endpoint)
    (call,) = listener.calls
    assert len(signatures(call.headers)) == 2
    for version in (1, 2):
        secret = secret_of(endpoint, version)
        stripe.Webhook.construct_event(call.body, call.headers["stripe-signature"], secret)
        standardwebhooks.Webhook(secret).verify(call.body, call.headers)


def test_the_old_secret_no_longer_signs_when_the_roll_is_over(shop, listener):
    endpoint = shop.listens(listener.url)
    shop.merchant_rolls(endpoint, seconds=0)
    shop.emits()
    relay()
    shop.sends_all(endpoint)
    (call,) = listener.calls
    stripe.Webhook.construct_event(call.body, call.headers["stripe-signature"], secret_of(endpoint, 2))
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(call.body, call.headers["stripe-signature"], secret_of(endpoint, 1))


def test_an_endpoint_that_is_down_is_tried_with_few_and_the_rest_waits_untried(shop, listener):
    listener.last = Reply(500)
    endpoint = shop.listens(listener.url)
    for _ in range(30):
        shop.emits()
    relay()
    shop.sends_all(endpoint)
    assert len(listener.calls) == 20
    assert shop.sends_all(endpoint) == 0
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.probe_at is not None) == (20, True)
    listener.last = Reply(200)
    shop.probe_now(endpoint)
    while shop.sends_all(endpoint):
        pass
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.probe_at) == (0, None)


def test_three_days_of_failures_switch_an_endpoint_off(shop, listener):
    listener.last = Reply(500)
    event_id, endpoint, _ = shop.told(listener.url)
    shop.failing_since(endpoint, days=2.9)
    shop.sends(event_id, endpoint)
    endpoint.refresh_from_db()
    assert endpoint.status == "enabled"
    shop.failing_since(endpoint, days=3.1)
    shop.sends(event_id, endpoint)
    endpoint.refresh_from_db()
    assert (endpoint.status, endpoint.disabled_reason) == ("disabled", "failing")


def test_two_workers_with_one_message_send_it_once(shop, listener):
    endpoint = shop.listens(listener.url)
    event_id = shop.emits()
    relay()
    ids = [str(shop.delivery(event_id, endpoint)["id"])]
    taken = services.claim_deliveries(endpoint_id=endpoint.id, delivery_ids=ids)
    assert len(taken.deliveries) == 1
    assert flows.deliver(endpoint.id, ids) == 0
    assert listener.calls == []


def test_an_endpoint_gets_what_it_asked_for_and_nothing_of_others(shop, listener, make_merchant):
    stranger = Shop(make_merchant())
    wide = shop.listens(listener.url)
    shop.listens(listener.url, "refund.created")
    stranger.listens(listener.url)
    event_id = shop.emits("charge.succeeded")
    relay()
    assert [row["endpoint_id"] for row in shop.deliveries(event_id)] == [wide.id]
