"""`ledger_post`: what it books, what it refuses, and that the refused leaves nothing."""

from uuid import UUID, uuid4

import pytest

from apps.core import db, ids
from apps.ledger import errors, selectors, services
from apps.ledger.domain import platform_account
from tests.ledger.book import Book, codes


def test_an_entry_moves_every_balance_it_names(book: Book) -> None:
    capture = book.entry((book.house("gateway_receivable.sandbox"), 10_000), (book.code("pending"), -9_680), (book.house("fees"), -320))
    before = selectors.balances([book.house("gateway_receivable.sandbox"), book.house("fees")])
    posted = services.post(capture)
    assert posted.balances == {book.code("pending"): {"posted": 9_680, "held": 0}}
    after = selectors.balances([book.house("gateway_receivable.sandbox"), book.house("fees")])
    assert [after[code] - before.get(code, 0) for code in sorted(after)] == [320, 10_000]


def test_a_guarded_account_never_goes_below_zero(book: Book) -> None:
    services.post(book.fund(100))
    with pytest.raises(errors.InsufficientFunds):
        services.post(book.spend(101))
    assert book.available() == 100


def test_in_a_batch_the_refused_is_refused_alone_and_the_later_do_not_see_it(book: Book) -> None:
    outcomes = services.post_many([book.spend(1), book.fund(100), book.spend(70), book.spend(70), book.spend(30)])
    assert codes(outcomes) == ["insufficient_funds", "ok", "ok", "insufficient_funds", "ok"]
    assert book.available() == 0


REFUSED = {
    "one posting": lambda b: b.entry((b.code("available"), 5)),
    "nothing": lambda b: b.entry(),
    "does not sum to zero": lambda b: b.entry((b.house("bank.test"), 5), (b.code("available"), -4)),
    "zero": lambda b: b.entry((b.house("bank.test"), 0), (b.code("available"), 0)),
    "two currencies that balance only together": lambda b: b.entry((b.house("bank.test", "usd"), 5), (b.code("available"), -5)),
    "live and test mixed": lambda b: b.entry((platform_account(True, "bank.test", "eur"), 5), (b.code("available"), -5)),
    "no such account": lambda b: b.entry((b.house("nonsense"), 5), (b.code("available"), -5)),
    "a hold that is not there": lambda b: b.fund(5, settles=[{"id": str(uuid4()), "as": "posted"}]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_add_up_is_refused_and_leaves_nothing(book: Book, case: str) -> None:
    command = REFUSED[case](book)
    assert "error" in services.post_many([command])[0]
    assert book.available() == 0
    assert db.query("SELECT 1 FROM ledger_entry WHERE id = %s", [command["id"]]) == []


def test_a_source_posts_a_kind_once(book: Book) -> None:
    command = book.fund(100)
    first = services.post(command)
    outcome = services.post_many([command | {"id": ids.new_id()}])[0]
    assert (outcome["error"], UUID(outcome["entry_id"])) == ("already_posted", first.entry_id)
    assert book.available() == 100


def test_a_hold_counts_at_once_and_is_resolved_once(book: Book) -> None:
    services.post(book.fund(100))
    hold = {"id": str(uuid4()), "account": book.code("available"), "amount": 60}
    services.post(book.entry(holds=[hold]))
    assert book.available() == 40
    settle = [{"id": hold["id"], "as": "posted"}]
    assert codes(services.post_many([book.spend(41), book.spend(60, settles=settle), book.spend(1, settles=settle)])) == [
        "insufficient_funds", "ok", "hold_not_open",
    ]  # fmt: skip
    assert book.available() == 40


def test_a_released_hold_is_free_again(book: Book) -> None:
    services.post(book.fund(100))
    hold = {"id": str(uuid4()), "account": book.code("available"), "amount": 100}
    services.post(book.entry(holds=[hold]))
    services.post(book.entry(settles=[{"id": hold["id"], "as": "released"}]))
    assert book.available() == 100


def test_a_reversal_is_the_mirror_and_happens_once(book: Book) -> None:
    posted = services.post(book.fund(100))
    services.reverse(posted.entry_id, reason="wrong merchant")
    assert book.available() == 0
    with pytest.raises(errors.AlreadyPosted):
        services.reverse(posted.entry_id, reason="again")
