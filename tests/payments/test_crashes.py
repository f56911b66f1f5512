"""A process that dies between any two steps: whoever comes next finishes its request, once."""

import pytest

from apps.core import db
from apps.core.flow import _perform, run
from apps.idempotency.domain import WAIT_S
from apps.idempotency.errors import IdempotencyKeyInUse
from apps.payments import flows
from apps.payments.domain import requests, schedule
from tests.payments.shop import Shop, age, answer_of, drive, due_now, forget_lease, pi, reference, until_record

PAYMENT = {"amount": 10_000, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}
POINTS = ["before payments_begin", "after payments_begin", "before Http", "after Http", "before payments_record", "after payments_record"]


def begun(shop: Shop, key: str, **params: object):
    return shop.begin(flows.create_payment_intent, requests.CreatePaymentIntent, key=key, **(PAYMENT | params))


@pytest.mark.parametrize("point", POINTS)
def test_the_client_that_comes_back_with_its_key_is_charged_once(shop: Shop, effects, point: str) -> None:
    drive(begun(shop, "k"), until=point)
    forget_lease(shop, "k")
    answer = run(begun(shop, "k"))
    assert (answer.status, shop.booked("pending"), len(shop.rows("payments_charge"))) == (200, 9_680, 1)
    assert effects(reference(shop.attempt())) == [("authorize", "captured")]
    assert run(begun(shop, "k")).body == answer.body
    assert shop.events() == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


@pytest.mark.parametrize("point", ["after Http", "before payments_record", "after payments_record"])
def test_a_charge_whose_process_died_is_found_and_its_key_answered(shop: Shop, point: str) -> None:
    drive(begun(shop, "k"), until=point)
    due_now(shop)
    flows.recover_due()
    assert shop.booked("pending") == 9_680
    answer = run(begun(shop, "k"))
    assert (answer.status, answer.replayed, b'"status":"succeeded"' in answer.body) == (200, True, True)
    assert shop.events() == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


def test_a_request_that_died_before_it_was_sent_is_processing_until_that_is_certain(shop: Shop, effects) -> None:
    drive(begun(shop, "k"), until="before Http")
    due_now(shop)
    flows.recover_due()
    answer = run(begun(shop, "k"))
    assert (answer.replayed, b'"status":"processing"' in answer.body) == (True, True)
    age(shop, 240)
    due_now(shop)
    flows.recover_due()
    assert shop.rows("payments_intent")[0]["status"] == "requires_payment_method"
    assert effects(reference(shop.attempt())) == []


def test_a_key_in_use_waits_and_then_says_so(shop: Shop) -> None:
    drive(begun(shop, "k"), until="after payments_begin")
    with pytest.raises(IdempotencyKeyInUse):
        run(begun(shop, "k"))
    assert WAIT_S == 2.0
    assert len(shop.rows("payments_attempt")) == 1
    _settle(shop, "k")


def _settle(shop: Shop, key: str) -> None:
    forget_lease(shop, key)
    run(begun(shop, key))


def test_a_process_that_slept_too_long_does_not_send_any_more(shop: Shop, effects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "SEND_WITHIN_S", -1)
    answer = run(begun(shop, "k"))
    assert b'"status":"processing"' in answer.body
    assert effects(reference(shop.attempt())) == []
    monkeypatch.undo()
    age(shop, 240)
    for _ in range(2):
        due_now(shop)
        flows.recover_due()
        age(shop, 240)
    assert shop.rows("payments_intent")[0]["status"] == "requires_payment_method"


def test_one_that_sends_again_keeps_others_from_deciding_that_nothing_was_sent(shop: Shop) -> None:
    drive(begun(shop, "k"), until="before Http")
    age(shop, 240)
    forget_lease(shop, "k")
    resumed = begun(shop, "k")
    drive(resumed, until="after payments_resume")
    due_now(shop)
    flows.recover_due()
    age(shop, 31)
    due_now(shop)
    flows.recover_due()
    assert shop.rows("payments_intent")[0]["status"] == "processing"
    age(shop, 240)
    due_now(shop)
    flows.recover_due()
    assert shop.rows("payments_intent")[0]["status"] == "requires_payment_method"


def test_the_second_to_record_gives_the_firsts_answer(shop: Shop) -> None:
    slow = begun(shop, "k")
    step = until_record(slow)
    due_now(shop)
    flows.recover_due()
    answer = answer_of(slow, _perform(step))
    assert answer.body == run(begun(shop, "k")).body
    assert (shop.booked("pending"), len(shop.rows("payments_charge"))) == (9_680, 1)


def test_a_change_in_between_is_kept(shop: Shop) -> None:
    """The record is made of the row as it was; when that changed, it is made again."""
    flow = begun(shop, "k")
    step = until_record(flow)
    change = "UPDATE payments_intent SET metadata = %s, version = version + 1 WHERE merchant_id = %s RETURNING id"
    db.query(change, ['{"late": "1"}', shop.merchant.id])
    assert b'"metadata":{"late":"1"}' in answer_of(flow, _perform(step)).body
    assert (shop.rows("payments_intent")[0]["status"], shop.booked("pending")) == ("succeeded", 9_680)


@pytest.mark.parametrize("point", ["after payments_begin", "before Http", "after Http", "before payments_record", "after payments_record"])
@pytest.mark.parametrize("verb", ["capture", "cancel"])
def test_a_capture_or_cancellation_that_died_is_finished_once(shop: Shop, effects, verb: str, point: str) -> None:
    intent = shop.hold()
    flow, shape = {
        "capture": (flows.capture_payment_intent, requests.CapturePaymentIntent),
        "cancel": (flows.cancel_payment_intent, requests.CancelPaymentIntent),
    }[verb]
    drive(shop.begin(flow, shape, pi(intent), key="c"), until=point)
    forget_lease(shop, "c")
    answer = run(shop.begin(flow, shape, pi(intent), key="c"))
    kind, status, pending = ("capture", "captured", 9_680) if verb == "capture" else ("void", "voided", 0)
    assert (answer.status, shop.booked("pending")) == (200, pending)
    assert effects(reference(shop.attempt(kind))) == [(kind, status)]


SENT = ["after Http", "before payments_refund_record", "after payments_refund_record"]


@pytest.mark.parametrize(
    ("by", "point"),
    [
        *(("recovery", point) for point in SENT),
        *(("client", point) for point in ["before payments_refund_begin", "after payments_refund_begin", *SENT]),
    ],
)
def test_a_refund_that_died_is_finished_once(shop: Shop, effects, point: str, by: str) -> None:
    intent = shop.pay()
    flow = (flows.create_refund, requests.CreateRefund)
    drive(shop.begin(*flow, key="r", payment_intent=intent["id"], amount=4_000), until=point)
    if by == "recovery":
        due_now(shop)
        flows.recover_due()
    forget_lease(shop, "r")
    answer = run(shop.begin(*flow, key="r", payment_intent=intent["id"], amount=4_000))
    assert (answer.status, b'"status":"succeeded"' in answer.body) == (200, True)
    assert (shop.booked("pending"), shop.money(), len(shop.rows("payments_refund"))) == (5_680, (0, 5_680), 1)
    assert effects(reference(shop.attempt("refund"))) == [("refund", "refunded")]
