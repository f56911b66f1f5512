"""The official Python SDK, unmodified: only the base URL and the key are ours."""

import uuid
from collections import deque

import pytest
import standardwebhooks
import stripe

from tests.sink import Sink
from tests.stack import Stack

PAID = {"amount": 2000, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa", "return_url": "https://shop.example/done"}


def test_a_payment_goes_from_customer_to_refund(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({"email": "ada@example.com", "name": "Ada", "metadata": {"crm": "77"}})
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    intent = client.v1.payment_intents.create({"amount": 2000, "currency": "eur", "customer": customer.id, "payment_method": method.id})
    assert intent.status == "requires_confirmation"
    paid = client.v1.payment_intents.confirm(intent.id, {"return_url": "https://shop.example/done"})
    assert (paid.status, paid.amount_received) == ("succeeded", 2000)
    client.v1.payment_intents.create(PAID)
    refund = client.v1.refunds.create({"payment_intent": intent.id, "amount": 500, "reason": "requested_by_customer"})
    assert (refund.status, refund.amount) == ("succeeded", 500)


def test_an_authorisation_is_captured_in_part(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create(PAID | {"capture_method": "manual"})
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 2000)
    captured = client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1500})
    assert (captured.status, captured.amount_received, captured.amount_capturable) == ("succeeded", 1500, 0)


def test_an_authorisation_is_canceled(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create(PAID | {"capture_method": "manual"})
    canceled = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")


def test_lists_page_by_themselves_newest_first(client: stripe.StripeClient) -> None:
    made = [client.v1.payment_intents.create({"amount": 100 + n, "currency": "eur"}).id for n in range(7)]
    listed = [intent.id for intent in client.v1.payment_intents.list({"limit": 3}).auto_paging_iter()]
    assert listed == made[::-1]


def test_expand_puts_the_object_in_place_of_its_id(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({"email": "ada@example.com"})
    intent = client.v1.payment_intents.create(PAID | {"customer": customer.id, "expand": ["customer", "latest_charge.balance_transaction"]})
    assert intent.customer.email == "ada@example.com"
    assert intent.latest_charge.balance_transaction.amount == 2000
    listed = client.v1.payment_intents.list({"expand": ["data.latest_charge"]})
    assert listed.data[0].latest_charge.id == intent.latest_charge.id


def test_a_retry_with_the_same_key_charges_once(client: stripe.StripeClient) -> None:
    options: stripe.RequestOptions = {"idempotency_key": str(uuid.uuid4())}
    first, second = (client.v1.payment_intents.create(PAID, options) for _ in range(2))
    assert first.id == second.id
    assert first.last_response.body == second.last_response.body
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(client.v1.charges.list().data) == 1


def test_a_declined_card_is_a_card_error(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as declined:
        client.v1.payment_intents.create(PAID | {"payment_method": "pm_card_visa_chargeDeclinedInsufficientFunds"})
    error = declined.value
    assert (error.http_status, error.code, error.error.decline_code) == (402, "card_declined", "insufficient_funds")
    assert error.error.payment_intent.status == "requires_payment_method"


def test_a_bad_parameter_is_an_invalid_request_error_that_names_it(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create({"amount": -1, "currency": "eur"})
    assert (refused.value.http_status, refused.value.param) == (400, "amount")


def test_the_same_key_for_another_request_is_an_idempotency_error(client: stripe.StripeClient) -> None:
    options: stripe.RequestOptions = {"idempotency_key": str(uuid.uuid4())}
    client.v1.payment_intents.create({"amount": 100, "currency": "eur"}, options)
    with pytest.raises(stripe.IdempotencyError) as refused:
        client.v1.payment_intents.create({"amount": 200, "currency": "eur"}, options)
    assert (refused.value.http_status, "idempotency_key_reused" in refused.value.http_body) == (400, True)


def test_an_unknown_key_is_an_authentication_error(stack: Stack) -> None:
    stranger = stripe.StripeClient("sk_test_" + "x" * 43, base_addresses={"api": stack.base})
    with pytest.raises(stripe.AuthenticationError) as refused:
        stranger.v1.balance.retrieve()
    assert refused.value.http_status == 401


def test_too_many_requests_are_a_rate_limit_error(stack: Stack, make_merchant) -> None:
    limited = make_merchant(settings={"limit_per_key": 2}).secret
    client = stripe.StripeClient(limited, base_addresses={"api": stack.base}, max_network_retries=0)
    with pytest.raises(stripe.RateLimitError) as refused:
        deque((client.v1.balance.retrieve() for _ in range(60)), maxlen=0)
    assert refused.value.http_status == 429
    assert int(refused.value.headers["Retry-After"]) >= 1


async def test_the_async_client_does_the_same(stack: Stack, secret: str) -> None:
    client = stripe.StripeClient(secret, base_addresses={"api": stack.base}, http_client=stripe.HTTPXClient())
    intent = await client.v1.payment_intents.create_async(PAID)
    assert intent.status == "succeeded"
    found = await client.v1.payment_intents.retrieve_async(intent.id)
    assert found.to_dict() == intent.to_dict()
    listed = await client.v1.payment_intents.list_async({"limit": 1})
    assert [one.id async for one in listed.auto_paging_iter()] == [intent.id]


def test_both_official_verifiers_accept_one_delivery(client: stripe.StripeClient, sink: Sink) -> None:
    endpoint = client.v1.webhook_endpoints.create({"url": sink.url, "enabled_events": ["payment_intent.succeeded"]})
    intent = client.v1.payment_intents.create(PAID)
    delivery = sink.wait_for("payment_intent.succeeded", intent.id)
    event = stripe.Webhook.construct_event(delivery.body, delivery.headers["stripe-signature"], endpoint.secret)
    assert event.data.object.id == intent.id
    assert standardwebhooks.Webhook(endpoint.secret).verify(delivery.body, delivery.headers)["id"] == event.id
    assert client.v1.events.retrieve(event.id).data.object.amount == 2000


def test_a_forged_delivery_is_refused_by_both_verifiers(client: stripe.StripeClient, sink: Sink) -> None:
    endpoint = client.v1.webhook_endpoints.create({"url": sink.url, "enabled_events": ["*"]})
    intent = client.v1.payment_intents.create(PAID)
    delivery = sink.wait_for("payment_intent.succeeded", intent.id)
    forged = delivery.body.replace(b"2000", b"9000")
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(forged, delivery.headers["stripe-signature"], endpoint.secret)
    with pytest.raises(standardwebhooks.webhooks.WebhookVerificationError):
        standardwebhooks.Webhook(endpoint.secret).verify(forged, delivery.headers)
