"""`ledger_post_silently`: the same books, and told is only what was refused."""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.conf import settings as django_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core import db, ids
from apps.ledger import services
from tests.ledger.book import Book
from tests.ledger.test_batches import Scribe, steps
from tests.ledger.test_lone import lines, told
from tests.ledger.test_races import AT_ONCE, together


def silently(commands: Sequence[dict[str, Any]], connection: "psycopg.Connection | None" = None) -> Any:
    statement, params = "SELECT ledger_post_silently(%s::jsonb) AS refused", [db.encode(commands)]
    if connection is not None:
        return connection.execute(statement, params).fetchone()[0]
    return db.query(statement, params)[0]["refused"]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(todo=st.lists(steps, min_size=1, max_size=12))
def test_the_refusals_and_the_books_are_those_of_the_door_that_tells(todo: list[tuple[Any, ...]]) -> None:
    loud, quiet = Scribe(), Scribe()
    outcomes = services.post_many([loud.command(step) for step in todo])
    refused = silently([quiet.command(step) for step in todo])
    assert sorted(int(number) for number in refused) == [nth for nth, outcome in enumerate(outcomes) if "error" in outcome]
    for number, outcome in refused.items():
        assert told(quiet, [outcome]) == told(loud, [outcomes[int(number)]])
    assert lines(quiet.book) == lines(loud.book)


def test_where_all_is_booked_nothing_is_told(book: Book) -> None:
    assert silently([book.fund(10)]) == {}
    assert silently([book.spend(1), book.spend(2), book.fund(3)]) == {}
    assert silently([]) == {}
    assert book.available() == 10


def test_a_command_may_not_go_below_zero_between_two_others_that_make_up_for_it(book: Book) -> None:
    services.post(book.fund(5))
    refused = silently([book.fund(1), book.spend(7), book.fund(10)])
    assert {number: outcome["error"] for number, outcome in refused.items()} == {"1": "insufficient_funds"}
    assert book.available() == 16


def test_within_a_command_the_order_of_its_lines_does_not_matter(book: Book) -> None:
    services.post(book.fund(5))
    through = book.entry(
        (book.code("available"), 9), (book.house("bank.test"), -9), (book.house("bank.test"), 9), (book.code("available"), -9)
    )
    assert silently([through, book.fund(1)]) == {}
    assert book.available() == 6


def test_large_calls_from_everywhere_on_the_same_accounts_end_and_lose_nothing() -> None:
    books = [Book() for _ in range(5)]
    services.post_many([one.fund(1_000) for one in books])

    def batch(number: int) -> int:
        order = [books[(number * step + start) % 5] for step, start in ((1, 0), (2, 1), (3, 2), (1, 3))]
        commands = [a.entry((a.code("available"), 3), (b.code("available"), -3)) for a in order for b in order if a is not b]
        with psycopg.connect(django_settings.DATABASE_DSN, autocommit=True) as own:
            return len(silently([*commands, order[0].spend(10**6) | {"id": ids.new_id()}], own))

    assert set(together(batch, 4 * AT_ONCE)) == {1}
    assert sum(one.available() for one in books) == 5_000
