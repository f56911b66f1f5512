"""Months are opened and closed in order, and what is closed stays closed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import psycopg
import pytest
from django.conf import settings

from apps.core import db
from apps.ledger import errors, selectors, services
from tests.ledger.book import Book, codes, post_apart

MARCH = date(2026, 3, 1)


def test_nothing_is_booked_into_a_closed_month(scratch_database: str, book: Book) -> None:
    services.post(book.fund(100, booked_on=date(2026, 3, 31)))
    services.set_period(month=MARCH, status="closed")
    days = [date(2026, 3, 15), date(2026, 2, 1), date(2026, 4, 1)]
    assert codes(services.post_many([book.fund(1, booked_on=day) for day in days])) == ["period_closed", "period_closed", "ok"]
    assert book.available() == 101
    with psycopg.connect(settings.DATABASE_OWNER_DSN) as own, pytest.raises(psycopg.errors.CheckViolation, match="not open"):
        own.execute(
            "INSERT INTO ledger_entry (id, kind, booked_on, source, livemode, lines) VALUES (uuidv7(), 'x', '2026-03-01', 'x', false, 2)"
        )


def test_a_month_at_its_cut_off_takes_nothing_and_its_neighbours_do(scratch_database: str, book: Book) -> None:
    services.set_period(month=MARCH, status="cutoff")
    days = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 31), date(2026, 4, 1)]
    assert codes(services.post_many([book.fund(1, booked_on=day) for day in days])) == ["ok", "period_closed", "period_closed", "ok"]
    services.set_period(month=MARCH, status="open")
    assert codes(services.post_many([book.fund(1, booked_on=MARCH)])) == ["ok"]
    assert book.available() == 3


def test_not_one_of_many_posters_slips_into_a_month_that_is_being_closed(scratch_database: str) -> None:
    def poster(number: int) -> int:
        book = Book()
        with psycopg.connect(settings.DATABASE_DSN, autocommit=True) as own:
            return sum("ok" in post_apart(book.fund(1, booked_on=date(2026, 3, 15)), connection=own)[0] for _ in range(10))

    with ThreadPoolExecutor(50) as pool:
        running = [pool.submit(poster, number) for number in range(200)]
        with psycopg.connect(settings.DATABASE_DSN, autocommit=True) as closer:
            while not closer.execute("SELECT EXISTS (SELECT FROM ledger_entry)").fetchone()[0]:
                pass
            closer.execute("SELECT ledger_set_period('2026-03-01', 'closed')")
            counted = closer.execute("SELECT count(*) FROM ledger_entry").fetchone()[0]
        posted = sum(one.result() for one in running)
    assert posted == counted == db.query("SELECT count(*) AS many FROM ledger_entry")[0]["many"]
    assert 0 < posted < 2_000


def test_closing_a_month_waits_for_whoever_books_into_an_earlier_one(scratch_database: str, book: Book) -> None:
    with psycopg.connect(settings.DATABASE_DSN) as poster, psycopg.connect(settings.DATABASE_DSN, autocommit=True) as closer:
        post_apart(book.fund(1, booked_on=date(2025, 7, 1)), connection=poster)
        closer.execute("SET lock_timeout = '100ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            closer.execute("SELECT ledger_set_period('2026-03-01', 'closed')")
        poster.commit()
    with pytest.raises(errors.PeriodRefused):
        services.set_period(month=MARCH, status="closed")
    assert selectors.open_months_with_entries(before=MARCH) == [date(2025, 7, 1)]


def test_months_close_in_order_and_reopen_only_with_a_reason(scratch_database: str, book: Book) -> None:
    january, february = date(2026, 1, 1), date(2026, 2, 1)
    services.post(book.fund(1, booked_on=date(2026, 1, 5)))
    for month, status in ((february, "closed"), (january, "hard_closed")):
        with pytest.raises(errors.PeriodRefused):
            services.set_period(month=month, status=status)
    services.set_period(month=january, status="closed")
    with pytest.raises(errors.PeriodRefused):
        services.set_period(month=january, status="open", reason=" ")
    assert services.set_period(month=january, status="open", reason="a late invoice")["status"] == "open"
    assert selectors.period(january)["reason"] == "a late invoice"


def test_a_month_before_a_closed_one_is_not_opened(scratch_database: str) -> None:
    for month in (date(2026, 1, 1), date(2026, 2, 1)):
        services.set_period(month=month, status="closed")
    with pytest.raises(errors.PeriodRefused):
        services.set_period(month=date(2026, 1, 1), status="open", reason="too late")
    assert selectors.is_closed(date(2026, 1, 1))


def test_a_hard_close_is_for_ever_even_for_the_owner(scratch_database: str) -> None:
    for status in ("closed", "hard_closed"):
        services.set_period(month=MARCH, status=status)
    with pytest.raises(errors.PeriodRefused):
        services.set_period(month=MARCH, status="open", reason="please")
    for statement in ("UPDATE ledger_period SET status = 'open', version = version + 1, closed_at = NULL", "DELETE FROM ledger_period"):
        with psycopg.connect(settings.DATABASE_OWNER_DSN) as own, pytest.raises(psycopg.Error):
            own.execute(statement)
    assert selectors.is_closed(MARCH)


def test_the_same_status_again_changes_nothing(scratch_database: str) -> None:
    first = services.set_period(month=MARCH, status="closed")
    assert services.set_period(month=MARCH, status="closed") == first
