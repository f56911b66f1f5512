"""At size, every statement of the ledger finds its rows by index."""

from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from apps.core import db, ids
from apps.ledger import selectors, services
from tests.ledger.book import Book

MANY = 300


@pytest.fixture(scope="module")
def grown(database: str) -> Book:
    """A merchant among some hundreds, with a few hundred entries of its own."""
    book = Book()
    others = [Book() for _ in range(MANY)]
    for first in range(0, MANY, 100):
        services.post_many([other.fund(1_000) for other in others[first : first + 100]])
        services.post_many([book.fund(10) for _ in range(100)])
    with psycopg.connect(settings.DATABASE_OWNER_DSN, autocommit=True) as own:
        own.execute("ANALYZE ledger_account, ledger_balance, ledger_entry, ledger_posting, ledger_hold, ledger_period")
    return book


def scanned(own: psycopg.Connection) -> dict[str, int]:
    """How many times each of the ledger's tables was read from end to end in this transaction."""
    rows = own.execute("SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE relname LIKE 'ledger_%' AND seq_scan > 0").fetchall()
    return dict(rows)


def plan(statement: str, params: object) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}", params)
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.fixture
def transaction(grown: Book) -> Iterator[psycopg.Connection]:
    with psycopg.connect(settings.DATABASE_DSN) as own:
        yield own
        own.rollback()


@pytest.mark.parametrize("count", [1, 64])
def test_posting_reads_no_table_from_end_to_end(grown: Book, transaction: psycopg.Connection, count: int) -> None:
    hold = {"id": ids.new_id(), "account": grown.code("available"), "amount": 1}
    commands = [grown.fund(1) for _ in range(count)] + [grown.spend(1), grown.entry(holds=[hold]), grown.spend(10**9)]
    commands.append(grown.entry(settles=[{"id": hold["id"], "as": "released"}]))
    for _ in range(3):
        transaction.execute("SELECT ledger_post(%s::jsonb)", [db.encode(commands)])
    assert scanned(transaction) == {}


def test_a_posting_touches_one_partition_only(grown: Book, transaction: psycopg.Connection) -> None:
    transaction.execute("SELECT ledger_post(%s::jsonb)", [db.encode([grown.fund(1)])])
    touched = transaction.execute(
        "SELECT count(*) FROM pg_stat_xact_user_tables WHERE relname LIKE 'ledger_posting_%' AND (n_tup_ins > 0 OR idx_scan > 0)"
    ).fetchone()
    assert touched == (1,)


READS = {
    "balance of a code": ("SELECT sum(b.posted) FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id WHERE a.code = ANY (%s)",
                          lambda book: [[book.code("available")]]),
    "accounts of a merchant": ("SELECT a.id FROM ledger_account a WHERE a.merchant_id = %s AND a.livemode = %s",
                               lambda book: [book.merchant, False]),
    "entries of a source": ("SELECT id FROM ledger_entry WHERE source = %s", lambda book: ["t_none"]),
    "what is not sealed": ("SELECT id FROM ledger_entry WHERE seal_no = %s", lambda book: [10**9]),
    "a page of the journal": ("SELECT id FROM ledger_entry ORDER BY booked_on DESC, id DESC LIMIT 51", lambda book: []),
    "a page of postings": ("SELECT id FROM ledger_posting ORDER BY entry_id DESC, line DESC LIMIT 51", lambda book: []),
    "a page of an account": ("SELECT id FROM ledger_posting WHERE account_id = %s ORDER BY id DESC LIMIT 51",
                             lambda book: [selectors.merchant_accounts(book.merchant, livemode=False)[0]["id"]]),
}  # fmt: skip


@pytest.mark.parametrize("read", READS)
def test_a_read_finds_its_rows_by_index(grown: Book, read: str) -> None:
    statement, params = READS[read]
    found = plan(statement, params(grown) or None)
    big = [line for line in found.splitlines() if "Seq Scan on ledger_entry" in line or "Seq Scan on ledger_account" in line]
    assert "Index" in found
    assert big == []
