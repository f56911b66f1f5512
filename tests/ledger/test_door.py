"""`ledger_post`: what it books, what it refuses, and that the refused leaves nothing."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from apps.core import db, ids
from apps.ledger import errors, selectors, services
from apps.ledger.domain import merchant_account, platform_account


class Book:
    """One merchant's accounts in test mode, and commands that move money between them."""

    def __init__(self) -> None:
        self.merchant: UUID = uuid4()

    def code(self, name: str, currency: str = "eur") -> str:
        return merchant_account(self.merchant, False, name, currency)

    def house(self, name: str, currency: str = "eur") -> str:
        return platform_account(False, name, currency)

    def entry(self, *postings: tuple[str, int], **more: Any) -> dict[str, Any]:
        lines = [{"account": account, "amount": amount} for account, amount in postings]
        return {"id": ids.new_id(), "kind": "test", "source": f"t_{uuid4().hex}", "livemode": False, "postings": lines} | more

    def fund(self, amount: int, **more: Any) -> dict[str, Any]:
        return self.entry((self.house("bank.test"), amount), (self.code("available"), -amount), **more)

    def spend(self, amount: int, **more: Any) -> dict[str, Any]:
        return self.entry((self.code("available"), amount), (self.house("bank.test"), -amount), **more)

    def available(self) -> int:
        return selectors.balance(self.code("available"))


@pytest.fixture
def book() -> Book:
    return Book()


def codes(outcomes: list[dict[str, Any]]) -> list[str]:
    return [outcome.get("error", "ok") for outcome in outcomes]


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


def test_sixteen_at_once_move_money_in_a_circle_and_none_is_made_or_lost(book: Book) -> None:
    books = [Book() for _ in range(8)]
    services.post_many([one.fund(1_000) for one in books])

    def move(number: int) -> str:
        giver, taker = books[number % 8], books[(number * 5 + 3) % 8]
        command = giver.entry((giver.code("available"), 90), (taker.code("available"), -90))
        with psycopg.connect(settings.DATABASE_DSN, autocommit=True) as own:
            return own.execute("SELECT ledger_post(%s::jsonb)", [db.encode([command])]).fetchone()[0][0].get("error", "ok")

    with ThreadPoolExecutor(16) as pool:
        outcomes = set(pool.map(move, range(400)))
    assert outcomes <= {"ok", "insufficient_funds"}
    held = [one.available() for one in books]
    assert (sum(held), min(held) >= 0) == (8_000, True)


def test_nothing_is_booked_into_a_closed_month(scratch_database: str, book: Book) -> None:
    services.post(book.fund(100, booked_on=date(2026, 3, 31)))
    services.set_period(month=date(2026, 3, 1), status="closed")
    outcomes = services.post_many(
        [book.fund(1, booked_on=date(2026, 3, 15)), book.fund(1, booked_on=date(2026, 2, 1)), book.fund(1, booked_on=date(2026, 4, 1))]
    )
    assert codes(outcomes) == ["period_closed", "period_closed", "ok"]
    assert book.available() == 101


def test_not_one_of_many_posters_slips_into_a_month_that_is_being_closed(scratch_database: str) -> None:
    day = date(2026, 3, 15)

    def poster(number: int) -> int:
        book, posted = Book(), 0
        with psycopg.connect(settings.DATABASE_DSN, autocommit=True) as own:
            for _ in range(25):
                answer = own.execute("SELECT ledger_post(%s::jsonb)", [db.encode([book.fund(1, booked_on=day)])]).fetchone()[0][0]
                posted += "ok" in answer
        return posted

    with ThreadPoolExecutor(20) as pool:
        running = [pool.submit(poster, number) for number in range(20)]
        with psycopg.connect(settings.DATABASE_DSN, autocommit=True) as closer:
            closer.execute("SELECT ledger_set_period('2026-03-01', 'closed')")
            counted = closer.execute("SELECT count(*) FROM ledger_entry").fetchone()[0]
        posted = sum(one.result() for one in running)
    assert posted == counted == db.query("SELECT count(*) AS many FROM ledger_entry")[0]["many"]


def test_months_close_in_order_and_reopen_only_with_a_reason(scratch_database: str, book: Book) -> None:
    services.post(book.fund(1, booked_on=date(2026, 1, 5)))
    with pytest.raises(errors.PeriodRefused):
        services.set_period(month=date(2026, 2, 1), status="closed")
    services.set_period(month=date(2026, 1, 1), status="closed")
    with pytest.raises(errors.PeriodRefused):
        services.set_period(month=date(2026, 1, 1), status="open")
    assert services.set_period(month=date(2026, 1, 1), status="open", reason="a late invoice")["status"] == "open"


TAMPERING = [
    "UPDATE ledger_posting SET amount = amount + 1",
    "DELETE FROM ledger_posting",
    "TRUNCATE ledger_posting",
    "TRUNCATE ledger_posting_default",
    "INSERT INTO ledger_posting_default SELECT * FROM ledger_posting",
    "UPDATE ledger_entry SET source = 'x'",
    "DELETE FROM ledger_entry",
    "TRUNCATE ledger_entry CASCADE",
    "DELETE FROM ledger_balance",
    "UPDATE ledger_account SET guard = 'none'",
    "UPDATE ledger_seal SET entries = 1",
]


@pytest.mark.parametrize("statement", TAMPERING)
@pytest.mark.parametrize("role", ["DATABASE_DSN", "DATABASE_OWNER_DSN"])
def test_neither_the_application_nor_the_owner_can_change_what_was_booked(book: Book, statement: str, role: str) -> None:
    services.post(book.fund(100))
    services.seal()
    with psycopg.connect(getattr(settings, role)) as own, pytest.raises(psycopg.Error):
        own.execute(statement)
    assert book.available() == 100


def test_even_the_owner_cannot_write_an_entry_that_does_not_balance(book: Book) -> None:
    services.post(book.fund(100))
    with psycopg.connect(settings.DATABASE_OWNER_DSN) as own, pytest.raises(psycopg.errors.CheckViolation):
        own.execute(
            "INSERT INTO ledger_entry (id, kind, booked_on, source, livemode, lines) VALUES (%s, 'x', '2026-05-01', 'x', false, 2)",
            [book.merchant],
        )
        own.execute(
            """INSERT INTO ledger_posting (entry_id, line, booked_on, account_id, currency, amount)
               SELECT %s, n, '2026-05-01', id, 'eur', n FROM ledger_account, generate_series(1, 2) n WHERE code = %s""",
            [book.merchant, book.code("available")],
        )


def _sealed(at_most: int) -> int:
    """Seals once nothing older is still running anywhere in the cluster."""
    until = time.monotonic() + 30
    while not (sealed := services.seal(at_most=at_most)) and time.monotonic() < until:
        time.sleep(0.1)
    return sealed


def test_seals_chain_and_name_what_was_changed(scratch_database: str, book: Book) -> None:
    services.post_many([book.fund(100) for _ in range(10)])
    assert _sealed(at_most=4) == 4
    assert (_sealed(at_most=50), services.seal()) == (6, 0)
    assert db.query("SELECT * FROM ledger_verify_seals()") == []
    with psycopg.connect(settings.DATABASE_OWNER_DSN, autocommit=True) as own:
        own.execute("ALTER TABLE ledger_posting DISABLE TRIGGER USER")
        own.execute("UPDATE ledger_posting SET amount = amount + 1 WHERE id = (SELECT max(id) FROM ledger_posting)")
    assert db.query("SELECT no FROM ledger_verify_seals()") == [{"no": 2}]


def test_every_check_of_the_audit_holds_and_finds_a_changed_balance(scratch_database: str, book: Book) -> None:
    from apps.ledger.audit import CHECKS

    services.post_many([book.fund(100), book.spend(30)])
    assert [check.name for check in CHECKS if check.offenders()] == []
    connection.close()
    with psycopg.connect(settings.DATABASE_OWNER_DSN, autocommit=True) as own:
        own.execute("UPDATE ledger_balance SET posted = posted + 1 WHERE guarded")
    assert [check.name for check in CHECKS if check.offenders()] == ["every balance is the sum of its postings"]
