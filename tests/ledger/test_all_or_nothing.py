"""`ledger_post_all`: the same books where it books, and otherwise nothing once its caller has taken back what it wrote."""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.conf import settings as django_settings
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core import db, ids
from apps.ledger import services
from tests.ledger.book import Book, codes
from tests.ledger.test_batches import NAMES, Scribe, steps
from tests.ledger.test_lone import lines
from tests.ledger.test_races import AT_ONCE, together

POST_ALL = "SELECT ledger_post_all(%s::jsonb) AS fine"


def whole(commands: Sequence[dict[str, Any]]) -> bool:
    """Whether all of them are booked; as its callers do, takes back what is not fine."""
    try:
        with transaction.atomic():
            fine = bool(db.query(POST_ALL, [db.encode(commands)])[0]["fine"])
            transaction.set_rollback(not fine)
            return fine
    except IntegrityError:
        return False


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(todo=st.lists(steps, min_size=1, max_size=4))
def test_what_it_books_is_what_the_door_that_tells_books_and_it_books_no_part(todo: list[tuple[Any, ...]]) -> None:
    loud, quiet = Scribe(), Scribe()
    for scribe in (loud, quiet):
        services.post_many([scribe.book.entry((scribe.book.house("bank.test"), 40), (scribe.book.code(name), -40)) for name in NAMES])
    before = lines(quiet.book)
    fine = whole([quiet.command(step) for step in todo])
    assert lines(quiet.book) == before or fine
    outcomes = services.post_many([loud.command(step) for step in todo])
    if fine:
        assert codes(outcomes) == ["ok"] * len(todo)
        assert lines(quiet.book) == lines(loud.book)


def test_commands_that_fit_are_booked_alone_and_together(book: Book) -> None:
    services.post(book.fund(1))
    assert whole([book.fund(9)])
    assert whole([book.spend(1), book.spend(2), book.fund(3)])
    assert book.available() == 10


def test_one_that_does_not_fit_leaves_nothing_of_the_others(book: Book) -> None:
    services.post(book.fund(5))
    assert not whole([book.fund(1), book.spend(7)])
    assert not whole([book.spend(6)])
    assert book.available() == 5


def test_between_two_that_make_up_for_it_none_goes_below_zero(book: Book) -> None:
    services.post(book.fund(5))
    assert not whole([book.fund(1), book.spend(7), book.fund(10)])
    assert book.available() == 5


def test_what_was_booked_once_is_not_booked_again(book: Book) -> None:
    funded = book.fund(5)
    services.post(funded)
    assert not whole([funded])
    assert not whole([funded | {"id": ids.new_id()}, book.fund(1)])
    assert book.available() == 5


def test_a_command_of_another_day_is_booked_on_it(book: Book) -> None:
    services.post(book.fund(5))
    late = book.fund(1) | {"booked_on": "2026-01-31"}
    assert whole([late, book.fund(1)])
    assert str(db.query("SELECT booked_on FROM ledger_entry WHERE id = %s", [late["id"]])[0]["booked_on"]) == "2026-01-31"


def test_an_account_that_is_not_open_yet_is_left_to_the_other_doors() -> None:
    book = Book()
    assert not whole([book.fund(1)])
    assert not whole([book.fund(1), book.fund(2)])


def test_batches_from_everywhere_on_the_same_accounts_end_and_lose_nothing() -> None:
    books = [Book() for _ in range(5)]
    services.post_many([one.fund(1_000) for one in books])

    def batch(number: int) -> bool:
        order = [books[(number * step + start) % 5] for step, start in ((1, 0), (2, 1), (3, 2), (1, 3))]
        commands = [a.entry((a.code("available"), 3), (b.code("available"), -3)) for a in order for b in order if a is not b]
        with psycopg.connect(django_settings.DATABASE_DSN, autocommit=True) as own:
            return bool(own.execute(POST_ALL, [db.encode(commands)]).fetchone()[0])

    assert set(together(batch, 4 * AT_ONCE)) == {True}
    assert sum(one.available() for one in books) == 5_000
