"""The life of a payment intent, on paper."""

import pytest

from apps.payments.domain import states
from apps.payments.domain.states import ImpossibleMove, after


@pytest.mark.parametrize(
    ("status", "outcome", "then"),
    [
        ("requires_confirmation", "captured", "succeeded"),
        ("requires_confirmation", "authorized", "requires_capture"),
        ("requires_confirmation", "challenged", "requires_action"),
        ("requires_confirmation", "declined", "requires_payment_method"),
        ("requires_confirmation", "unknown", "processing"),
        ("requires_action", "captured", "succeeded"),
        ("requires_action", "declined", "requires_payment_method"),
        ("processing", "captured", "succeeded"),
        ("processing", "declined", "requires_payment_method"),
        ("requires_capture", "captured", "succeeded"),
        ("requires_capture", "unknown", "processing"),
        ("processing", "capture_refused", "requires_capture"),
        ("requires_capture", "voided", "canceled"),
        ("requires_action", "voided", "canceled"),
        ("processing", "void_refused", "requires_capture"),
        ("processing", "withdrawal_refused", "requires_action"),
    ],
)
def test_an_outcome_leads_where_the_table_says(status: str, outcome: str, then: str) -> None:
    assert after(status, outcome) == then


@pytest.mark.parametrize("status", sorted(states.TERMINAL))
@pytest.mark.parametrize("outcome", sorted(states.MOVES))
def test_nothing_leads_out_of_a_terminal_status(status: str, outcome: str) -> None:
    with pytest.raises(ImpossibleMove):
        after(status, outcome)


def test_a_held_payment_is_not_declined_or_challenged_any_more() -> None:
    for outcome in ("declined", "challenged", "authorized"):
        with pytest.raises(ImpossibleMove):
            after("requires_capture", outcome)


@pytest.mark.parametrize("verb", sorted(states.ALLOWED))
def test_a_merchant_can_ask_nothing_of_a_payment_that_is_over_or_unknown(verb: str) -> None:
    assert not {"succeeded", "canceled", "processing"} & set(states.ALLOWED[verb])


def test_every_status_can_be_reached() -> None:
    reached = {target for _, target in states.MOVES.values()} | {states.before_confirmation(True), states.before_confirmation(False)}
    assert reached == set(states.STATUSES)
