"""What becomes of a payment when its gateway has answered: rows in, rows out."""

from datetime import UTC, date, datetime
from uuid import UUID

import msgspec
import pytest

from apps.payments.domain import intents, refunds
from apps.payments.domain.intents import Held, Terms
from apps.payments.domain.replies import Card, Reply, unknown
from apps.payments.domain.rows import Attempt, Charge, Intent, PaymentMethod, Refund

NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)
TERMS = Terms(
    now=NOW, today=NOW.date(), basis_points=290, fixed_minor=30, availability_days=2, transaction_id=UUID(int=90), entry_id=UUID(int=91)
)
CARD = Card(brand="visa", last4="4242", exp_month=12, exp_year=2034, funding="credit", country="US", fingerprint="f")
OWNED = {"merchant_id": UUID(int=1), "livemode": False, "created": NOW}
INTENT = Intent(
    id=UUID(int=2), **OWNED, version=1, status="requires_confirmation", amount=10_000, amount_capturable=0, amount_received=0,
    currency="eur", capture_method="automatic", confirmation_method="automatic", client_secret="s", metadata={}, payment_method_options={},
)  # fmt: skip
METHOD = PaymentMethod(id=UUID(int=3), **OWNED, gateway="sandbox", token="pm_card_visa")
ATTEMPT = Attempt(
    id=UUID(int=4), **OWNED, intent_id=INTENT.id, charge_id=UUID(int=5), kind="authorize", gateway="sandbox", amount=10_000,
    currency="eur", capture=True,
)  # fmt: skip
CHARGE = Charge(
    id=UUID(int=5), **OWNED, version=1, intent_id=INTENT.id, attempt_id=ATTEMPT.id, status="succeeded", amount=10_000,
    amount_captured=10_000, amount_refunded=0, amount_refund_pending=0, currency="eur", captured=True, billing_details={}, metadata={},
)  # fmt: skip
HELD = Held(attempt=ATTEMPT, intent=INTENT, method=METHOD)


def changed(row, **changes):
    return msgspec.structs.replace(row, **changes)


def settled(verdict: str, held: Held = HELD, **more: object):
    return intents.settle(held, Reply(verdict=verdict, card=CARD, network_reference="nw", **more), TERMS)


def test_a_captured_payment_is_booked_with_its_fee_and_its_day() -> None:
    done = settled("captured")
    assert (done.intent.status, done.intent.amount_received, done.intent.version) == ("succeeded", 10_000, 2)
    assert (done.charge.captured, done.charge.amount_captured, done.charge.version) == (True, 10_000, 1)
    assert (done.transaction.amount, done.transaction.fee, done.transaction.net) == (10_000, 320, 9_680)
    assert (done.funds.remaining, done.funds.available_on) == (9_680, date(2026, 11, 9))
    assert sum(posting["amount"] for posting in done.entry["postings"]) == 0
    assert [name for name, _ in done.events] == ["charge.succeeded", "payment_intent.succeeded"]


def test_an_authorised_payment_is_held_and_nothing_is_booked() -> None:
    done = settled("authorized", changed(HELD, attempt=changed(ATTEMPT, capture=False)))
    assert (done.intent.status, done.intent.amount_capturable, done.intent.amount_received) == ("requires_capture", 10_000, 0)
    assert (done.charge.captured, done.entry, done.transaction, done.funds) == (False, None, None, None)


def test_a_declined_payment_may_be_tried_with_another_card() -> None:
    done = settled("declined", code="card_declined", decline_code="insufficient_funds")
    assert (done.intent.status, done.intent.payment_method_id) == ("requires_payment_method", None)
    assert (done.charge.status, done.charge.amount_captured, done.entry) == ("failed", 0, None)
    assert done.refusal == ("card_declined", "insufficient_funds")
    assert done.intent.last_payment_error["message"] == "Your card has insufficient funds."


def test_what_never_reached_the_gateway_leaves_no_charge() -> None:
    done = intents.settle(HELD, Reply(verdict="declined", code="processing_error"), TERMS)
    assert (done.charge, done.intent.latest_charge_id, done.attempt.state) == (None, None, "failed")
    assert done.intent.status == "requires_payment_method"


def test_an_unknown_outcome_says_so_once() -> None:
    first = intents.settle(HELD, unknown("timeout"), TERMS)
    assert (first.intent.status, first.attempt.state) == ("processing", "unknown")
    assert first.events == (("payment_intent.processing", "intent"),)
    again = intents.settle(Held(attempt=first.attempt, intent=first.intent, method=METHOD), unknown("timeout"), TERMS)
    assert (again.intent, again.events) == (first.intent, ())


def test_a_challenge_sends_the_customer_to_the_bank() -> None:
    done = settled("challenged", changed(HELD, intent=changed(INTENT, return_url="https://shop.example/")), redirect_url="https://bank/")
    assert done.intent.next_action == {
        "type": "redirect_to_url",
        "redirect_to_url": {"url": "https://bank/", "return_url": "https://shop.example/"},
    }
    assert (done.intent.status, done.attempt.state, done.charge) == ("requires_action", "waiting", None)


def test_a_challenge_off_session_is_a_refusal() -> None:
    done = settled("challenged", changed(HELD, attempt=changed(ATTEMPT, off_session=True)), redirect_url="https://bank/")
    assert (done.intent.status, done.refusal) == ("requires_payment_method", ("authentication_required", "authentication_required"))


def _held_for(kind: str, **attempt: object) -> Held:
    charge = changed(CHARGE, amount_captured=0, captured=False)
    intent = changed(INTENT, status="requires_capture", amount_capturable=10_000, latest_charge_id=charge.id)
    return Held(attempt=changed(ATTEMPT, kind=kind, authorization_id=ATTEMPT.id, **attempt), intent=intent, charge=charge)


def test_a_part_of_what_is_held_is_captured_and_the_rest_released() -> None:
    done = settled("captured", _held_for("capture", amount=4_000))
    assert (done.intent.status, done.intent.amount_received, done.intent.amount_capturable) == ("succeeded", 4_000, 0)
    assert (done.charge.amount, done.charge.amount_captured, done.charge.version) == (10_000, 4_000, 2)
    assert (done.transaction.amount, done.transaction.fee) == (4_000, 146)


@pytest.mark.parametrize("kind", ["capture", "void"])
def test_a_refused_capture_or_void_leaves_the_payment_held(kind: str) -> None:
    held = _held_for(kind)
    done = settled("declined", held, code="no")
    assert (done.intent, done.attempt.state, done.entry) == (held.intent, "failed", None)
    unclear = changed(held, intent=changed(held.intent, status="processing"))
    assert settled("declined", unclear, code="no").intent.status == "requires_capture"


def test_a_voided_payment_is_canceled() -> None:
    done = settled("voided", _held_for("void", request={"reason": "abandoned"}))
    assert (done.intent.status, done.intent.amount_capturable, done.intent.cancellation_reason) == ("canceled", 0, "abandoned")
    assert done.intent.canceled_at == NOW


def _held_refund() -> refunds.HeldRefund:
    charge = changed(CHARGE, amount_refund_pending=4_000)
    refund = Refund(
        id=UUID(int=6), **OWNED, charge_id=charge.id, intent_id=INTENT.id, attempt_id=UUID(int=7), amount=4_000, currency="eur",
        from_available=3_000, from_pending=1_000, available_hold_id=UUID(int=8), pending_hold_id=UUID(int=9),
        draws=[{"charge_id": str(charge.id), "amount": 1_000}],
    )  # fmt: skip
    return refunds.HeldRefund(attempt=changed(ATTEMPT, kind="refund", refund_id=refund.id), refund=refund, charge=charge)


def test_a_refund_takes_what_was_on_hold() -> None:
    done = refunds.settle(_held_refund(), Reply(verdict="refunded"), TERMS)
    assert (done.refund.status, done.charge.amount_refunded, done.charge.amount_refund_pending) == ("succeeded", 4_000, 0)
    assert (done.transaction.amount, done.transaction.net, done.transaction.fee) == (-4_000, -4_000, 0)
    assert {settle["as"] for settle in done.entry["settles"]} == {"posted"}
    assert sum(posting["amount"] for posting in done.entry["postings"]) == 0


def test_a_failed_refund_gives_the_hold_back() -> None:
    done = refunds.settle(_held_refund(), Reply(verdict="declined", code="refund_failed"), TERMS)
    assert (done.refund.status, done.refund.failure_reason) == ("failed", "declined")
    assert (done.charge.amount_refunded, done.charge.amount_refund_pending, done.transaction) == (0, 0, None)
    assert ({settle["as"] for settle in done.entry["settles"]}, done.entry["postings"]) == ({"released"}, [])


def test_an_unknown_refund_stays_pending_and_on_hold() -> None:
    held = _held_refund()
    done = refunds.settle(held, unknown("timeout"), TERMS)
    assert (done.refund, done.charge, done.attempt.state, done.entry) == (held.refund, held.charge, "unknown", None)
