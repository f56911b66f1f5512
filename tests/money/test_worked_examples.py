"""The textbook: every way in which money moves, booked in the real ledger, with the balances before and
after. Amounts in cents; balances as the accounts' owners would count them."""

from typing import Any
from uuid import uuid4

import pytest

from apps.core import ids
from apps.ledger import selectors, services
from apps.ledger.errors import InsufficientFunds
from apps.payments.domain import postings
from apps.payments.domain.postings import Book

OWN = ("pending", "available", "reserve", "payouts_in_transit", "disputed")
HOUSE = ("gateway_receivable.sandbox", "in_transit", "bank.4711", "fees", "gateway_fees")

CAPTURE = ("capture", {"gateway": "sandbox", "gross": 10_000, "fee": 320})
RELEASE = ("release", {"amount": 9_680})
PAYOUT = ("payout_sent", {"amount": 700})
DISPUTE = ("dispute_opened", {"amount": 4_000, "fee": 1_500})
RESERVE = ("reserve_taken", {"amount": 250})
PAID = [CAPTURE, RELEASE]

# name: what happened before, the step, what the merchant then holds, what changed for the house
EXAMPLES: dict[str, tuple[list[Any], tuple[str, dict[str, Any]], dict[str, int], dict[str, int]]] = {
    "capture": ([], CAPTURE, {"pending": 9_680}, {"gateway_receivable.sandbox": 10_000, "fees": 320}),
    "release": ([CAPTURE], RELEASE, {"available": 9_680}, {}),
    "refund": (
        PAID,
        ("refund", {"gateway": "sandbox", "from_available": 4_000, "from_pending": 0}),
        {"available": 5_680},
        {"gateway_receivable.sandbox": -4_000},
    ),
    "refund from both": (
        [CAPTURE, RELEASE, CAPTURE],
        ("refund", {"gateway": "sandbox", "from_available": 3_000, "from_pending": 1_000}),
        {"available": 6_680, "pending": 8_680},
        {"gateway_receivable.sandbox": -4_000},
    ),
    "settlement": (
        [CAPTURE],
        ("settlement", {"gateway": "sandbox", "gross": 10_000, "gateway_fee": 200}),
        {"pending": 9_680},
        {"in_transit": 9_800, "gateway_fees": 200, "gateway_receivable.sandbox": -10_000},
    ),
    "bank receipt": (
        [CAPTURE],
        ("bank_receipt", {"bank_account": "4711", "amount": 9_800}),
        {"pending": 9_680},
        {"bank.4711": 9_800, "in_transit": -9_800},
    ),
    "payout sent": (PAID, PAYOUT, {"available": 8_980, "payouts_in_transit": 700}, {}),
    "payout confirmed": (
        [*PAID, PAYOUT],
        ("payout_confirmed", {"bank_account": "4711", "amount": 700}),
        {"available": 8_980},
        {"bank.4711": -700},
    ),
    "payout returned": ([*PAID, PAYOUT], ("payout_returned", {"amount": 700}), {"available": 9_680}, {}),
    "dispute opened": (PAID, DISPUTE, {"available": 4_180, "disputed": 4_000}, {"fees": 1_500}),
    "dispute won": ([*PAID, DISPUTE], ("dispute_won", {"amount": 4_000}), {"available": 8_180}, {}),
    "dispute lost": (
        [*PAID, DISPUTE],
        ("dispute_lost", {"gateway": "sandbox", "amount": 4_000}),
        {"available": 4_180},
        {"gateway_receivable.sandbox": -4_000},
    ),
    "reserve taken": (PAID, RESERVE, {"available": 9_430, "reserve": 250}, {}),
    "reserve released": ([*PAID, RESERVE], ("reserve_released", {"amount": 250}), {"available": 9_680}, {}),
}


@pytest.fixture
def book() -> Book:
    return Book(uuid4(), False, "eur")


def post(book: Book, template: str, given: dict[str, Any]) -> None:
    lines = postings.TEMPLATES[template](book, **given)
    services.post({"id": ids.new_id(), "kind": template, "source": f"t_{uuid4().hex}", "livemode": book.livemode, "postings": lines})


def held(book: Book) -> dict[str, int]:
    found = selectors.balances([book.own(name) for name in OWN])
    return {name: amount for name in OWN if (amount := found.get(book.own(name), 0))}


def house(book: Book) -> dict[str, int]:
    found = selectors.balances([book.house(name) for name in HOUSE])
    return {name: found.get(book.house(name), 0) for name in HOUSE}


@pytest.mark.parametrize("name", EXAMPLES)
def test_money_moves_as_in_the_textbook(book: Book, name: str) -> None:
    before, (template, given), expected, changed = EXAMPLES[name]
    for step in before:
        post(book, *step)
    was = house(book)
    post(book, template, given)
    assert held(book) == expected
    assert {name: amount - was[name] for name, amount in house(book).items() if amount != was[name]} == changed


def test_a_transfer_takes_from_one_merchant_what_it_gives_the_other(book: Book) -> None:
    other = Book(uuid4(), False, "eur")
    for step in PAID:
        post(book, *step)
    post(book, "transfer", {"destination": other.merchant_id, "amount": 500})
    assert (held(book), held(other)) == ({"available": 9_180}, {"available": 500})


def test_a_conversion_balances_in_both_currencies(book: Book) -> None:
    dollars = Book(book.merchant_id, False, "usd")
    for step in PAID:
        post(book, *step)
    post(book, "conversion", {"into": "usd", "sold": 1_000, "bought": 1_080})
    assert (held(book), held(dollars)) == ({"available": 8_680}, {"available": 1_080})


@pytest.mark.parametrize("step", [PAYOUT, DISPUTE, RESERVE, ("payout_returned", {"amount": 1}), ("dispute_won", {"amount": 1})])
def test_what_is_not_there_does_not_move(book: Book, step: tuple[str, dict[str, Any]]) -> None:
    post(book, *CAPTURE)
    with pytest.raises(InsufficientFunds):
        post(book, *step)
    assert held(book) == {"pending": 9_680}


def test_every_template_has_an_example() -> None:
    shown = {template for _, (template, _), _, _ in EXAMPLES.values()}
    assert set(postings.TEMPLATES) - shown == {"transfer", "conversion"}
