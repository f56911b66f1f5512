"""What PostgreSQL refuses whoever asks: the application's role and the owner of the tables alike."""

from uuid import UUID, uuid4

import psycopg
import pytest
from django.conf import settings

from apps.core import db
from apps.ledger import services
from tests.ledger.book import Book, post_apart, seal_all

ROLES = ["DATABASE_DSN", "DATABASE_OWNER_DSN"]
TAMPERING = [
    "UPDATE ledger_posting SET amount = amount + 1",
    "UPDATE ledger_posting_default SET amount = amount + 1",
    "DELETE FROM ledger_posting",
    "TRUNCATE ledger_posting",
    "TRUNCATE ledger_posting_default",
    "INSERT INTO ledger_posting_default SELECT * FROM ledger_posting",
    "UPDATE ledger_entry SET source = 'x'",
    "UPDATE ledger_entry SET seal_no = 1",
    "DELETE FROM ledger_entry",
    "TRUNCATE ledger_entry CASCADE",
    "DELETE FROM ledger_balance",
    "TRUNCATE ledger_balance",
    "UPDATE ledger_balance SET posted = -1 WHERE guarded",
    "UPDATE ledger_account SET guard = 'none'",
    "DELETE FROM ledger_account",
    "UPDATE ledger_seal SET entries = 1",
    "DELETE FROM ledger_seal",
]


@pytest.mark.parametrize("statement", TAMPERING)
@pytest.mark.parametrize("role", ROLES)
def test_neither_the_application_nor_the_owner_can_change_what_was_booked(book: Book, statement: str, role: str) -> None:
    services.post(book.fund(100, booked_on="2001-01-01"))
    seal_all()
    with psycopg.connect(getattr(settings, role)) as own, pytest.raises(psycopg.Error):
        own.execute(statement)
    assert book.available() == 100


@pytest.mark.parametrize("role", ROLES)
def test_nothing_is_copied_into_a_partition(book: Book, role: str) -> None:
    services.post(book.fund(100, booked_on="2001-01-01"))
    line = f"{uuid4()}\t1\t2001-01-01\t{_account(book)}\teur\t5"
    with psycopg.connect(getattr(settings, role)) as own, pytest.raises(psycopg.errors.InsufficientPrivilege):
        _copy(own, "ledger_posting_default", line)
    assert book.available() == 100


FORGED: dict[str, dict[str, object]] = {
    "it sums to one": {"amounts": [5, -4]},
    "it moves nothing": {"amounts": [0, 0]},
    "it is in another currency than the account": {"currency": "usd"},
    "it is in another mode than the account": {"live": True},
    "its lines are of another date": {"day": "2026-05-02"},
    "it has one line more than it says": {"amounts": [5, -3, -2]},
}


@pytest.mark.parametrize("case", FORGED)
def test_even_the_owner_cannot_write_an_entry_when(book: Book, case: str) -> None:
    services.post(book.fund(100))
    with psycopg.connect(settings.DATABASE_OWNER_DSN) as own, pytest.raises(psycopg.errors.CheckViolation):
        _forge(own, _account(book), **FORGED[case])
    assert book.available() == 100


def test_the_owner_can_write_one_that_is_right(book: Book) -> None:
    services.post(book.fund(100))
    with psycopg.connect(settings.DATABASE_OWNER_DSN) as own:
        _forge(own, _account(book))
        own.rollback()
    assert book.available() == 100


def test_no_line_is_added_to_an_entry_later(book: Book) -> None:
    entry = services.post(book.fund(100)).entry_id
    for line in (1, 3):
        with psycopg.connect(settings.DATABASE_OWNER_DSN) as own, pytest.raises(psycopg.Error):
            own.execute(
                """INSERT INTO ledger_posting (entry_id, line, booked_on, account_id, currency, amount)
                   SELECT id, %s + n, booked_on, %s, 'eur', 5 - 10 * n FROM ledger_entry, generate_series(0, 1) n WHERE id = %s""",
                [line, _account(book), entry],
            )
    assert db.query("SELECT count(*) AS lines FROM ledger_posting WHERE entry_id = %s", [entry]) == [{"lines": 2}]


def test_no_entry_is_written_without_its_lines(book: Book) -> None:
    with psycopg.connect(settings.DATABASE_OWNER_DSN) as own, pytest.raises(psycopg.errors.CheckViolation):
        own.execute(
            "INSERT INTO ledger_entry (id, kind, booked_on, source, livemode, lines) VALUES (%s, 'x', '2026-05-01', 'x', false, 2)",
            [uuid4()],
        )
    assert book.available() == 0


def test_nothing_is_booked_under_an_old_snapshot(book: Book) -> None:
    with psycopg.connect(settings.DATABASE_DSN) as own:
        own.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with pytest.raises(psycopg.errors.InvalidTransactionState):
            post_apart(book.fund(100), connection=own)
    assert book.available() == 0


def _account(book: Book) -> UUID:
    return db.query("SELECT id FROM ledger_account WHERE code = %s", [book.code("available")])[0]["id"]


def _copy(own: psycopg.Connection, table: str, line: str) -> None:
    with own.cursor().copy(f"COPY {table} (entry_id, line, booked_on, account_id, currency, amount) FROM STDIN") as copy:
        copy.write(line + "\n")


def _forge(own: psycopg.Connection, account: UUID, **changed: object) -> None:
    """An entry of two lines on one account, written by hand in one statement."""
    values = {"id": uuid4(), "live": False, "day": "2026-05-01", "currency": "eur", "amounts": [5, -5], "account": account}
    own.execute(
        """WITH entry AS (
               INSERT INTO ledger_entry (id, kind, booked_on, source, livemode, lines)
               VALUES (%(id)s, 'x', '2026-05-01', %(id)s::text, %(live)s, 2))
           INSERT INTO ledger_posting (entry_id, line, booked_on, account_id, currency, amount)
           SELECT %(id)s, line, %(day)s::date, %(account)s, %(currency)s, amount
           FROM unnest(%(amounts)s::bigint[]) WITH ORDINALITY AS l (amount, line)""",
        values | changed,
    )
