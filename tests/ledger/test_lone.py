"""A call with one command goes its own, shorter way: with the same end as in a batch, whatever it is."""

from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core import db, ids
from apps.ledger import services
from tests.ledger.book import Book, codes, post_apart
from tests.ledger.test_batches import Scribe, steps


def told(scribe: Scribe, outcomes: list[dict[str, Any]]) -> str:
    """What the outcomes say, whosever they are."""
    text = str(outcomes).replace(scribe.book.code("x").split("-")[0], "acct")
    for outcome in outcomes:
        for unique in (outcome.get("ok", {}).get("entry_id"), outcome.get("entry_id"), outcome.get("hold_id")):
            text = text.replace(str(unique), "id") if unique else text
    return text


def lines(book: Book) -> list[dict[str, Any]]:
    return db.query(
        """SELECT a.name, p.line, p.amount, p.balance_after, e.kind FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
           JOIN ledger_entry e ON e.id = p.entry_id WHERE a.merchant_id = %s ORDER BY p.id""",
        [book.merchant],
    )


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(todo=st.lists(steps, min_size=1, max_size=16))
def test_any_list_of_commands_ends_the_same_in_one_call_and_one_by_one(todo: list[tuple[Any, ...]]) -> None:
    together, apart = Scribe(), Scribe()
    at_once = services.post_many([together.command(step) for step in todo])
    singly = [services.post_many([apart.command(step)])[0] for step in todo]
    assert told(together, at_once) == told(apart, singly)
    assert lines(together.book) == lines(apart.book)


ODD = {
    "moves an account twice": lambda b: b.entry((b.house("bank.test"), 9), (b.code("available"), -5), (b.code("available"), -4)),
    "names the currency": lambda b: b.entry(
        postings=[{"account": b.house("bank.test"), "amount": 5, "currency": "eur"}, {"account": b.code("available"), "amount": -5}]
    ),
    "names another currency": lambda b: b.entry(
        postings=[{"account": b.house("bank.test"), "amount": 5, "currency": "usd"}, {"account": b.code("available"), "amount": -5}]
    ),
    "moves nothing at all": lambda b: b.entry((b.house("bank.test"), None), (b.code("available"), None)),
    "has two currencies": lambda b: b.entry(
        (b.house("bank.test"), 5), (b.code("available"), -5), (b.house("bank.test", "usd"), 7), (b.code("available", "usd"), -7)
    ),
    "opens an account": lambda b: b.entry((b.house("bank.test"), 5), (b.code("reserve"), -5)),
    "takes what is not there": lambda b: b.spend(10_000),
    "is of a day to come": lambda b: b.fund(5, booked_on="2031-02-03", metadata={"a": 1}, sequence=4),
}


@pytest.mark.parametrize("case", ODD)
def test_an_odd_command_ends_the_same_alone_and_in_company(case: str) -> None:
    alone, company = Scribe(), Scribe()
    services.post_many([scribe.book.fund(100) for scribe in (alone, company)])
    one = services.post_many([ODD[case](alone.book)])
    two = services.post_many([ODD[case](company.book), company.book.fund(1)])
    assert told(alone, one) == told(company, two[:1])
    assert lines(alone.book) == lines(company.book)[: len(lines(alone.book))]


def test_after_a_lone_command_that_was_refused_its_transaction_goes_on(book: Book) -> None:
    services.post(book.fund(10))
    with psycopg.connect(django_settings.DATABASE_DSN) as own:
        assert codes(post_apart(book.spend(11), connection=own)) == ["insufficient_funds"]
        assert codes(post_apart(book.spend(10), connection=own)) == ["ok"]
        own.commit()
    assert book.available() == 0


def test_a_lone_command_reads_no_table_from_end_to_end(book: Book) -> None:
    services.post(book.fund(10))
    with psycopg.connect(django_settings.DATABASE_DSN) as own:
        post_apart(book.fund(1) | {"id": ids.new_id()}, connection=own)
        scanned = own.execute("SELECT relname FROM pg_stat_xact_user_tables WHERE relname LIKE 'ledger_%' AND seq_scan > 0").fetchall()
        own.rollback()
    assert scanned == []
