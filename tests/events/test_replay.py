"""An event sent once more."""

import pytest
from django.core.management import CommandError, call_command

from apps.core import ids
from apps.core.errors import NotFound
from apps.events import services
from apps.events.errors import EndpointNotListening
from tests.events.listener import Reply
from tests.events.world import Shop, log_of, relay


def test_a_replayed_delivery_starts_its_schedule_anew_with_the_same_bytes(shop, listener):
    listener.replies = [Reply(500), Reply(500)]
    event_id, endpoint, _ = shop.told(listener.url)
    shop.sends(event_id, endpoint)
    assert services.replay(event_id=event_id) == [endpoint.id]
    again = shop.delivery(event_id, endpoint)
    assert (again["state"], again["attempts"]) == ("pending", 0)
    assert shop.sends_all(endpoint) == 1
    assert len({call.body for call in listener.calls}) == 1
    assert [attempt["status"] for attempt in log_of(again)] == [500, 500, 200]


def test_a_delivery_that_succeeded_is_sent_again(shop, listener):
    event_id, endpoint, _ = shop.told(listener.url)
    services.replay(event_id=event_id)
    assert shop.sends_all(endpoint) == 1
    assert shop.delivery(event_id, endpoint)["state"] == "succeeded"
    assert len(listener.calls) == 2


def test_an_endpoint_that_came_later_gets_the_event_too(shop, listener):
    event_id = shop.emits()
    relay()
    wants, refuses = shop.listens(listener.url), shop.listens(listener.url, "refund.created")
    assert services.replay(event_id=event_id) == [wants.id]
    assert shop.sends_all(wants) == 1
    assert services.replay(event_id=event_id, endpoint_id=refuses.id) == [refuses.id]
    assert shop.sends_all(refuses) == 1


def test_what_a_worker_holds_is_left_to_it(shop, listener):
    endpoint = shop.listens(listener.url)
    event_id = shop.emits()
    relay()
    delivery = shop.delivery(event_id, endpoint)
    services.claim_deliveries(endpoint_id=endpoint.id, delivery_ids=[str(delivery["id"])])
    held = shop.delivery(event_id, endpoint)
    assert services.replay(event_id=event_id) == []
    assert shop.delivery(event_id, endpoint) == held


def test_an_endpoint_that_is_off_is_not_replayed_to(shop, listener):
    event_id, endpoint, _ = shop.told(listener.url)
    services.disable_endpoint(endpoint_id=endpoint.id, reason="failing")
    assert services.replay(event_id=event_id) == []
    with pytest.raises(EndpointNotListening):
        services.replay(event_id=event_id, endpoint_id=endpoint.id)


def test_an_event_never_goes_to_another_merchants_endpoint(shop, listener, make_merchant):
    foreign = Shop(make_merchant()).listens(listener.url)
    event_id = shop.emits()
    with pytest.raises(NotFound):
        services.replay(event_id=event_id, endpoint_id=foreign.id)
    assert services.replay(event_id=event_id) == []
    assert shop.deliveries(event_id) == []


def test_the_command_says_who_gets_it_again(shop, listener, capsys):
    event_id, endpoint, _ = shop.told(listener.url)
    call_command("replay_event", ids.encode("evt", event_id), "--endpoint", ids.encode("we", endpoint.id))
    assert capsys.readouterr().out == f"due again for {ids.encode('we', endpoint.id)}\n"
    assert shop.delivery(event_id, endpoint)["state"] == "pending"


@pytest.mark.parametrize("event", ["evt_nonsense", "evt_01m7y7dkyeemaabw9xd1h1b02r", "we_01m7y7dkyeemaabw9xd6s4q36j"])
def test_the_command_refuses_what_is_no_event(event):
    with pytest.raises(CommandError):
        call_command("replay_event", event)
