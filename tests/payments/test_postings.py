"""One worked example per way in which payments move money (amounts in cents, debit positive)."""

from uuid import UUID

import pytest

from apps.core.ids import encode
from apps.payments.domain import postings
from apps.payments.domain.postings import Book

SHOP, OTHER = UUID(int=1), UUID(int=2)
BOOK = Book(SHOP, True, "eur")
A, B = encode("acct", SHOP), encode("acct", OTHER)

EXAMPLES = {
    "capture": (
        {"gateway": "sandbox", "gross": 10_000, "fee": 320},
        {"platform:gateway_receivable.sandbox:eur": 10_000, f"{A}:pending:eur": -9_680, "platform:fees:eur": -320},
    ),
    "release": ({"amount": 9_680}, {f"{A}:pending:eur": 9_680, f"{A}:available:eur": -9_680}),
    "refund": (
        {"gateway": "sandbox", "from_available": 3_000, "from_pending": 1_000},
        {f"{A}:available:eur": 3_000, f"{A}:pending:eur": 1_000, "platform:gateway_receivable.sandbox:eur": -4_000},
    ),
    "settlement": (
        {"gateway": "sandbox", "gross": 10_000, "gateway_fee": 200},
        {"platform:in_transit:eur": 9_800, "platform:gateway_fees:eur": 200, "platform:gateway_receivable.sandbox:eur": -10_000},
    ),
    "bank_receipt": ({"bank_account": "4711", "amount": 9_800}, {"platform:bank.4711:eur": 9_800, "platform:in_transit:eur": -9_800}),
    "transfer": ({"destination": OTHER, "amount": 500}, {f"{A}:available:eur": 500, f"{B}:available:eur": -500}),
    "payout_sent": ({"amount": 700}, {f"{A}:available:eur": 700, f"{A}:payouts_in_transit:eur": -700}),
    "payout_confirmed": (
        {"bank_account": "4711", "amount": 700},
        {f"{A}:payouts_in_transit:eur": 700, "platform:bank.4711:eur": -700},
    ),
    "payout_returned": ({"amount": 700}, {f"{A}:payouts_in_transit:eur": 700, f"{A}:available:eur": -700}),
    "dispute_opened": (
        {"amount": 4_000, "fee": 1_500},
        {f"{A}:available:eur": 5_500, f"{A}:disputed:eur": -4_000, "platform:fees:eur": -1_500},
    ),
    "dispute_won": ({"amount": 4_000}, {f"{A}:disputed:eur": 4_000, f"{A}:available:eur": -4_000}),
    "dispute_lost": (
        {"gateway": "sandbox", "amount": 4_000},
        {f"{A}:disputed:eur": 4_000, "platform:gateway_receivable.sandbox:eur": -4_000},
    ),
    "reserve_taken": ({"amount": 250}, {f"{A}:available:eur": 250, f"{A}:reserve:eur": -250}),
    "reserve_released": ({"amount": 250}, {f"{A}:reserve:eur": 250, f"{A}:available:eur": -250}),
    "conversion": (
        {"into": "usd", "sold": 1_000, "bought": 1_080},
        {
            f"{A}:available:eur": 1_000,
            "platform:trading:eur": -1_000,
            "platform:trading:usd": 1_080,
            f"{A}:available:usd": -1_080,
        },
    ),
}


@pytest.mark.parametrize("name", sorted(postings.TEMPLATES))
def test_a_template_moves_what_its_worked_example_says(name: str) -> None:
    given, expected = EXAMPLES[name]
    moved = postings.TEMPLATES[name](BOOK, **given)
    assert {posting["account"]: posting["amount"] for posting in moved} == expected


@pytest.mark.parametrize("name", sorted(postings.TEMPLATES))
def test_a_template_balances_in_each_currency(name: str) -> None:
    moved = postings.TEMPLATES[name](BOOK, **EXAMPLES[name][0])
    for currency in {posting["account"][-3:] for posting in moved}:
        assert sum(posting["amount"] for posting in moved if posting["account"].endswith(currency)) == 0


def test_what_does_not_move_is_not_posted() -> None:
    moved = postings.refund(BOOK, gateway="sandbox", from_available=4_000, from_pending=0)
    assert [posting["account"] for posting in moved] == [f"{A}:available:eur", "platform:gateway_receivable.sandbox:eur"]


def test_test_money_is_booked_on_accounts_of_its_own() -> None:
    moved = postings.release(Book(SHOP, False, "eur"), amount=1)
    assert [posting["account"] for posting in moved] == [f"{A}-test:pending:eur", f"{A}-test:available:eur"]
