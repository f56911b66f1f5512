"""Money set aside counts at once, and is posted, released or expired once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings

from apps.core import db, ids
from apps.ledger import errors, services
from tests.ledger.book import Book, codes

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def hold(book: Book, amount: int, **more: Any) -> dict[str, Any]:
    return {"id": str(ids.new_id()), "account": book.code("available"), "amount": amount} | more


def status(held: dict[str, Any]) -> dict[str, Any]:
    return db.query("SELECT status, entry_id FROM ledger_hold WHERE id = %s", [held["id"]])[0]


def test_a_hold_is_posted_together_with_the_entry_that_it_was_for(book: Book) -> None:
    services.post(book.fund(100))
    held = hold(book, 60)
    services.post(book.entry(holds=[held]))
    spent = services.post(book.spend(60, settles=[{"id": held["id"], "as": "posted"}]))
    assert status(held) == {"status": "posted", "entry_id": spent.entry_id}
    assert book.available() == 40


def test_what_is_held_cannot_be_held_or_spent_again(book: Book) -> None:
    services.post(book.fund(100))
    services.post(book.entry(holds=[hold(book, 60)]))
    assert codes(services.post_many([book.entry(holds=[hold(book, 41)]), book.spend(41)])) == ["insufficient_funds"] * 2
    assert book.available() == 40


def test_the_same_hold_is_made_once(book: Book) -> None:
    services.post(book.fund(100))
    held = hold(book, 60)
    outcomes = services.post_many([book.entry(holds=[held]), book.entry(holds=[held])])
    assert codes(outcomes) == ["ok", "already_posted"]
    assert book.available() == 40


def test_a_hold_past_its_time_ends_and_others_stay(book: Book) -> None:
    services.post(book.fund(100))
    past, open_ended = hold(book, 30, expires_at=LONG_AGO), hold(book, 20)
    later = hold(book, 10, expires_at=datetime.now(UTC) + timedelta(days=1))
    services.post_many([book.entry(holds=[held]) for held in (past, open_ended, later)])
    assert services.expire_holds() >= 1
    assert [status(held)["status"] for held in (past, open_ended, later)] == ["expired", "open", "open"]
    assert book.available() == 70


@pytest.mark.parametrize("ending", ["posted", "released", "expired"])
def test_a_hold_ends_once(book: Book, ending: str) -> None:
    services.post(book.fund(100))
    held = hold(book, 60)
    services.post(book.entry(holds=[held]))
    services.post(book.entry(settles=[{"id": held["id"], "as": ending}]))
    with pytest.raises(errors.HoldNotOpen):
        services.post(book.entry(settles=[{"id": held["id"], "as": "released"}]))
    assert book.available() == 100


def test_only_a_guarded_account_can_hold_money_back(book: Book) -> None:
    services.post(book.fund(100))
    with pytest.raises(errors.AccountMismatch):
        services.post(book.entry(holds=[hold(book, 5, account=book.house("bank.test"))]))
    with pytest.raises(errors.PostingRefused):
        services.post(book.entry(holds=[hold(book, -5)]))
    assert book.available() == 100


def test_even_the_owner_cannot_open_a_hold_again_or_change_its_amount(book: Book) -> None:
    services.post(book.fund(100))
    held = hold(book, 60)
    services.post(book.entry(holds=[held]))
    services.post(book.entry(settles=[{"id": held["id"], "as": "released"}]))
    for change in ("status = 'open', resolved_at = NULL", "amount = 1", "status = 'posted'"):
        with psycopg.connect(settings.DATABASE_OWNER_DSN) as own, pytest.raises(psycopg.errors.CheckViolation):
            own.execute(f"UPDATE ledger_hold SET {change} WHERE id = %s", [held["id"]])
    assert status(held)["status"] == "released"
