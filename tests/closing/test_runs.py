"""Closing months on the real ledger."""

import io
from datetime import date, timedelta

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import transaction

from apps.closing import selectors, services, tasks
from apps.closing.errors import EarlierMonthOpen, MonthNotOver
from apps.closing.models import Run
from apps.core import clock, db
from apps.ledger import selectors as ledger
from apps.statements import selectors as statements
from apps.statements import services as statement_services
from apps.statements import tasks as statement_tasks
from tests.statements import books

pytestmark = pytest.mark.usefixtures("own_database")


def closed(month: date) -> Run:
    """The month is closed, its statements made in this process."""
    run = services.close_month(month, by="test")
    while (progress := services.advance(run)).outcome not in ("closed", "blocked"):
        if progress.outcome == "waiting":
            statement_services.work_off(work_ids=statements.work_to_do(month=month))
    return Run.objects.get(id=run.id)


def command(*words: str, **options) -> str:
    said = io.StringIO()
    call_command("close_month", *words, stdout=said, **options)
    return said.getvalue()


def test_a_month_is_closed_step_by_step_with_evidence(make_merchant, month):
    merchant = make_merchant()
    books.busy_month(merchant.id, month)
    run = closed(month)
    steps = {step.name: step for step in selectors.steps(run)}
    assert run.state == "closed"
    assert [step.state for step in steps.values()] == ["done"] * 6
    assert steps["pre_check"].evidence["entries"] == 5
    assert steps["trial_balance"].evidence["totals"][0] == {"currency": "live eur", "debit": 26680, "credit": 26680, "balance": 0}
    assert steps["finish"].evidence["balances"]["live eur"] == 6622
    assert len(books.statements_of(merchant.id)) == 1


def test_nothing_books_into_a_closed_month(make_merchant, month):
    merchant = make_merchant()
    books.busy_month(merchant.id, month)
    closed(month)
    with pytest.raises(Exception, match=r"closed|not open"), transaction.atomic():
        books.book(merchant.id, month, "capture", {"pending": 100})
    assert ledger.is_closed(month)


def test_the_month_that_runs_is_not_closed():
    this = clock.today().replace(day=1)
    with pytest.raises(MonthNotOver):
        services.close_month(this, by="test")
    assert selectors.run_of(this) is None


def test_an_earlier_month_with_entries_goes_first(make_merchant, calendar):
    merchant, first, second = make_merchant(), next(calendar), next(calendar)
    books.busy_month(merchant.id, first)
    books.busy_month(merchant.id, second)
    with pytest.raises(EarlierMonthOpen, match=f"{first:%Y-%m} has entries"):
        services.close_month(second, by="test")
    command(f"{second:%Y-%m}", "--with-earlier", "--inline")
    assert [selectors.is_closed(each) for each in (first, second)] == [True, True]
    assert [row["closing"] for row in books.statements_of(merchant.id)] == [6622, 13244]


def test_the_command_shows_progress_and_lists_the_statements(make_merchant, month):
    merchant = make_merchant()
    books.busy_month(merchant.id, month)
    said = command(f"{month:%Y-%m}", "--inline")
    (statement,) = books.statements_of(merchant.id)
    assert "Trial balance and invariants" in said
    assert "[##############################]" in said
    assert f"{statement['number']}" in said
    assert "closing €66.22" in said


def test_a_month_that_is_closed_stays_as_it_is(make_merchant, month):
    merchant = make_merchant()
    books.busy_month(merchant.id, month)
    command(f"{month:%Y-%m}", "--inline")
    before = books.statements_of(merchant.id)
    assert f"{month:%B %Y} is already closed." in command(f"{month:%Y-%m}", "--inline")
    assert books.statements_of(merchant.id) == before


def test_what_is_no_month_is_explained():
    with pytest.raises(CommandError, match="YYYY-MM"):
        command("October")


def test_a_ledger_that_was_tampered_with_is_not_closed(make_merchant, month):
    merchant = make_merchant()
    books.busy_month(merchant.id, month)
    with _tampered(merchant.id):
        with pytest.raises(CommandError, match="is blocked: The trial balance"):
            command(f"{month:%Y-%m}", "--inline")
        run = selectors.run_of(month)
        assert (run.state, ledger.is_closed(month)) == ("blocked", False)
        assert books.statements_of(merchant.id) == []
    command(f"{month:%Y-%m}", "--inline")
    assert selectors.is_closed(month)


class _tampered:
    """Inside, one posting of the merchant is a cent larger than it was written."""

    def __init__(self, merchant):
        self.merchant = merchant

    def __enter__(self):
        self._change(1)

    def __exit__(self, *exc):
        self._change(-1)

    def _change(self, cents: int) -> None:
        with psycopg.connect(settings.DATABASE_OWNER_DSN) as owner:
            owner.execute("ALTER TABLE ledger_posting DISABLE TRIGGER USER")
            owner.execute(
                """UPDATE ledger_posting SET amount = amount + %s WHERE (entry_id, line) = (
                     SELECT p.entry_id, p.line FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
                     WHERE a.merchant_id = %s ORDER BY p.id LIMIT 1)""",
                [cents, self.merchant],
            )
            owner.execute("ALTER TABLE ledger_posting ENABLE TRIGGER USER")


def test_statements_that_are_given_up_block_the_end_but_not_the_others(make_merchant, month, monkeypatch):
    good, bad = make_merchant(), make_merchant()
    for merchant in (good, bad):
        books.busy_month(merchant.id, month)
    run = services.close_month(month, by="test")
    while services.advance(run).outcome == "advanced":
        continue
    db.query(
        "UPDATE statements_work SET attempts = 5, state = 'parked', finished_at = now(), last_error = 'x' WHERE merchant_id = %s", [bad.id]
    )
    assert closed(month).state == "blocked"
    assert (len(books.statements_of(good.id)), len(books.statements_of(bad.id))) == (1, 0)
    assert closed(month).state == "closed"
    assert len(books.statements_of(bad.id)) == 1


def test_two_closers_do_not_work_on_one_run(make_merchant, month):
    books.busy_month(make_merchant().id, month)
    run = services.close_month(month, by="test")
    with psycopg.connect(settings.DATABASE_DSN) as other:
        other.execute("SELECT FROM closing_run WHERE id = %s FOR UPDATE", [run.id])
        assert services.advance(run).outcome == "held"
    assert services.advance(run).outcome == "advanced"
    closed(month)


def test_beat_closes_the_month_once_it_is_over(make_merchant, calendar, monkeypatch):
    merchant, month, after = make_merchant(), next(calendar), next(calendar)
    books.busy_month(merchant.id, month)
    monkeypatch.setattr(statement_tasks.render, "delay", lambda work_ids: statement_services.work_off(work_ids=work_ids))
    monkeypatch.setattr(settings, "AUTO_CLOSE", True)
    try:
        _move_to(after - timedelta(days=1))
        assert tasks.close_due_month() == "nothing to close"
        _move_to(after)
        assert tasks.close_due_month() == f"{month:%Y-%m}: waiting"
        assert tasks.close_due_month() == f"{month:%Y-%m}: closed"
        assert tasks.close_due_month() == "nothing to close"
    finally:
        clock.set_shift(timedelta(0))
    assert len(books.statements_of(merchant.id)) == 1


def _move_to(day: date) -> None:
    clock.set_shift(day - clock.today() + timedelta(seconds=clock.shift_seconds()))
    clock.forget()
