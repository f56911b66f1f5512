"""Many connections at once: nothing is lost, made up, overdrawn or waited for in a circle."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
from django.conf import settings

from apps.core import ids
from apps.ledger import selectors, services
from tests.ledger.book import Book, codes, post_apart

AT_ONCE = 16


def together(work, count: int) -> list:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(work, range(count)))


def test_sixteen_at_once_move_money_in_a_circle_and_none_is_made_or_lost() -> None:
    books = [Book() for _ in range(8)]
    services.post_many([one.fund(1_000) for one in books])

    def move(number: int) -> str:
        giver, taker = books[number % 8], books[(number * 5 + 3) % 8]
        return codes(post_apart(giver.entry((giver.code("available"), 90), (taker.code("available"), -90))))[0]

    assert set(together(move, 400)) <= {"ok", "insufficient_funds"}
    held = [one.available() for one in books]
    assert (sum(held), min(held) >= 0) == (8_000, True)


def test_batches_that_touch_the_same_accounts_in_any_order_do_not_block_each_other() -> None:
    books = [Book() for _ in range(6)]
    services.post_many([one.fund(10_000) for one in books])

    def batch(number: int) -> list[str]:
        order = books[number % 6 :] + books[: number % 6]
        if number % 2:
            order.reverse()
        pairs = zip(order, [*order[1:], order[0]], strict=True)
        return codes(post_apart(*[a.entry((a.code("available"), 7), (b.code("available"), -7)) for a, b in pairs]))

    assert {code for outcomes in together(batch, 96) for code in outcomes} == {"ok"}
    assert [one.available() for one in books] == [10_000] * 6


def test_accounts_opened_on_first_use_by_many_are_opened_once() -> None:
    for _ in range(6):
        books = [Book() for _ in range(4)]

        def first(number: int, books: list[Book] = books) -> list[str]:
            order = books if number % 2 else books[::-1]
            return codes(post_apart(*[one.fund(5) for one in order]))

        assert {code for outcomes in together(first, AT_ONCE) for code in outcomes} == {"ok"}
        assert [one.available() for one in books] == [5 * AT_ONCE] * 4


def test_of_many_posts_from_one_source_one_is_booked(book: Book) -> None:
    house = book.house(f"bank.{uuid4().hex[:8]}")
    commands = [book.entry((house, 5), (book.house("fees"), -5), source=f"s_{book.merchant}") for _ in range(64)]
    outcomes = together(lambda number: codes(post_apart(commands[number]))[0], 64)
    assert Counter(outcomes) == {"ok": 1, "already_posted": 63}
    assert selectors.balance(house) == 5


def test_a_hold_is_settled_by_one_of_many(book: Book) -> None:
    services.post(book.fund(100))
    hold = ids.new_id()
    services.post(book.entry(holds=[{"id": hold, "account": book.code("available"), "amount": 100}]))
    settle = [{"id": hold, "as": "posted"}]
    outcomes = together(lambda _: codes(post_apart(book.spend(100, settles=settle)))[0], 32)
    assert Counter(outcomes)["ok"] == 1
    assert book.available() == 0


def test_posters_to_a_busy_house_account_do_not_wait_for_one_another(book: Book) -> None:
    other = Book()
    services.post_many([book.fund(1), other.fund(1)])
    with psycopg.connect(settings.DATABASE_DSN) as first, psycopg.connect(settings.DATABASE_DSN, autocommit=True) as second:
        while second.info.backend_pid % 16 == first.info.backend_pid % 16:
            second.close()
            second = psycopg.connect(settings.DATABASE_DSN, autocommit=True)
        post_apart(book.fund(1), connection=first)
        second.execute("SET lock_timeout = '200ms'")
        assert codes(post_apart(other.fund(1), connection=second)) == ["ok"]
