"""The chain of seals and the audit find what was changed behind the ledger's back."""

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from apps.core import db
from apps.ledger import services
from apps.ledger.audit import CHECKS
from tests.ledger.book import Book, post_apart, seal_all

SWITCHED_OFF = "ALTER TABLE ledger_posting DISABLE TRIGGER USER; ALTER TABLE ledger_entry DISABLE TRIGGER USER; "
SWITCHED_ON = "; ALTER TABLE ledger_posting ENABLE TRIGGER USER; ALTER TABLE ledger_entry ENABLE TRIGGER USER"
LAST = "(SELECT max(id) FROM ledger_posting)"


def tamper(statement: str) -> None:
    """As an owner who switches the rules off could do it."""
    connection.close()
    with psycopg.connect(settings.DATABASE_OWNER_DSN, autocommit=True) as own:
        for part in (SWITCHED_OFF + statement + SWITCHED_ON).split(";"):
            own.execute(part)


def broken() -> list[str]:
    return [check.name for check in CHECKS if check.offenders()]


def test_entries_are_sealed_once_in_batches_that_follow_one_another(scratch_database: str, book: Book) -> None:
    services.post_many([book.fund(100) for _ in range(10)])
    assert seal_all() == 10
    services.post(book.fund(1))
    assert seal_all() == 1
    assert services.seal() == 0
    assert db.query("SELECT sum(entries) AS sealed FROM ledger_seal") == [{"sealed": 11}]
    assert db.query("SELECT * FROM ledger_verify_seals()") == []


def test_an_entry_whose_transaction_runs_is_not_passed_over(scratch_database: str, book: Book) -> None:
    services.post(book.fund(100))
    slow_book = Book()
    with psycopg.connect(settings.DATABASE_DSN) as slow:
        post_apart(slow_book.entry((slow_book.house("bank.slow"), 1), (slow_book.code("available"), -1)), connection=slow)
        services.post(book.entry((book.house("bank.quick"), 2), (book.code("available"), -2)))
        services.seal()
        late = db.query("SELECT seal_no FROM ledger_entry ORDER BY recorded_xid DESC LIMIT 1")
    assert late == [{"seal_no": None}]
    assert seal_all() >= 2


TAMPERED = {
    "an amount": f"UPDATE ledger_posting SET amount = amount + 1 WHERE id = {LAST}",
    "a line gone": f"DELETE FROM ledger_posting WHERE id = {LAST}",
    "lines moved": "UPDATE ledger_posting SET line = line + 10 WHERE entry_id = (SELECT max(id::text)::uuid FROM ledger_entry)",
    "a source": "UPDATE ledger_entry SET source = 'x' WHERE id = (SELECT max(id::text)::uuid FROM ledger_entry)",
    "an entry gone": "DELETE FROM ledger_entry WHERE id = (SELECT max(id::text)::uuid FROM ledger_entry)",
    "a seal invented": "UPDATE ledger_entry SET seal_no = 99 WHERE id = (SELECT max(id::text)::uuid FROM ledger_entry)",
}


@pytest.mark.parametrize("case", TAMPERED)
def test_the_chain_names_the_seal_whose_entries_were_changed(scratch_database: str, book: Book, case: str) -> None:
    services.post_many([book.fund(100) for _ in range(4)])
    seal_all()
    services.post_many([book.fund(100) for _ in range(4)])
    seal_all()
    last = db.query("SELECT max(no) AS no FROM ledger_seal")[0]["no"]
    tamper(TAMPERED[case])
    assert last in [row["no"] for row in db.query("SELECT no FROM ledger_verify_seals()")]
    assert "the seals verify from the first to the last" in broken()


def test_every_check_of_the_audit_holds(scratch_database: str, book: Book) -> None:
    posted = services.post(book.fund(100))
    services.post_many([book.spend(30), book.entry(holds=[{"id": book.merchant, "account": book.code("available"), "amount": 5}])])
    services.reverse(services.post(book.fund(7)).entry_id, reason="twice")
    services.set_period(month=posted.booked_on.replace(day=1), status="closed")
    seal_all()
    assert broken() == []


FOUND = {
    "UPDATE ledger_balance SET posted = posted + 1 WHERE guarded": "every balance is the sum of its postings",
    "UPDATE ledger_balance SET held = held - 1 WHERE held > 0": "every held total is the sum of its open holds",
    f"UPDATE ledger_posting SET balance_after = 1 WHERE id = {LAST}": "the running balances of guarded accounts follow one another",
    f"UPDATE ledger_posting SET amount = amount + 1 WHERE id = {LAST}": "every entry has its postings and they sum to zero per currency",
    f"DELETE FROM ledger_posting WHERE id = {LAST}": "every entry has its postings and they sum to zero per currency",
    f"UPDATE ledger_posting SET currency = 'usd' WHERE id = {LAST}": "every entry has its postings and they sum to zero per currency",
    "DELETE FROM ledger_posting": "every entry has its postings and they sum to zero per currency",
    "DELETE FROM ledger_entry e WHERE NOT EXISTS (SELECT FROM ledger_hold h WHERE h.entry_id = e.id)": (
        "every entry has its postings and they sum to zero per currency"
    ),
    "UPDATE ledger_entry SET recorded_at = recorded_at + interval '1 day'": "nothing was booked into a month after it was closed",
    "ALTER TABLE ledger_seal DISABLE TRIGGER ledger_seal_kept": "no rule of the ledger is switched off, in no partition",
    "DROP TRIGGER ledger_posting_by_parent ON ledger_posting_default": "no rule of the ledger is switched off, in no partition",
}


@pytest.mark.parametrize("statement", FOUND)
def test_the_audit_finds(scratch_database: str, book: Book, statement: str) -> None:
    day = services.post(book.fund(100)).booked_on
    services.post(book.entry(holds=[{"id": book.merchant, "account": book.code("available"), "amount": 5}]))
    services.set_period(month=day.replace(day=1), status="closed")
    tamper(statement)
    assert FOUND[statement] in broken()
