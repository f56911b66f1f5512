"""From a closed month to issued statements, on the real ledger."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import psycopg
import pytest
from django.db import connection, connections

from apps.core import db
from apps.core.errors import NotFound
from apps.ledger import services as ledger
from apps.statements import domain, selectors, services
from apps.statements.audit import CHECKS
from apps.statements.errors import FileLost, MonthStillOpen
from apps.statements.models import Statement
from apps.statements.services import issuing
from tests.statements import books, reading

pytestmark = pytest.mark.usefixtures("own_database")


def the_statement(merchant) -> dict:
    (found,) = books.statements_of(merchant.id)
    return found


def test_a_closed_month_becomes_a_numbered_statement_with_the_ledger_s_figures(make_merchant, month):
    merchant = make_merchant()
    books.busy_month(merchant.id, month)
    books.issued(month, merchant)
    statement = the_statement(merchant)
    assert (statement["status"], statement["opening"], statement["closing"]) == ("issued", 0, 6622)
    totals = {name: amount for name, amount in selectors.row(statement["id"])["totals"].items() if amount}
    assert totals == {"payments": 12000, "refunds": -1000, "fees": -378, "payouts": -4000}
    assert (statement["lines"], statement["postings"]) == (4, 7)


def test_pdf_csv_and_ledger_agree(make_merchant, month):
    merchant = make_merchant()
    books.busy_month(merchant.id, month)
    books.issued(month, merchant)
    statement = the_statement(merchant)
    text = reading.pdf_text(services.file(statement, suffix="pdf"))
    rows = reading.csv_rows(services.file(statement, suffix="csv"))
    ledger_says = db.query(
        """SELECT -sum(p.amount)::bigint AS held FROM ledger_account a JOIN ledger_posting p ON p.account_id = a.id
           WHERE a.merchant_id = %s AND a.family IN ('available', 'pending', 'reserve')""",
        [merchant.id],
    )[0]["held"]
    assert reading.minor(rows[-1]["balance"], 2) == ledger_says == 6622
    assert reading.amounts_after(text, "Together", count=2) == [Decimal("0.00"), Decimal("66.22")]
    assert reading.amounts_after(text, "Payouts on their way", count=2) == [Decimal("0.00"), Decimal("40.00")]
    assert merchant.account in text
    assert "1011 AB Amsterdam" in text


def test_the_next_month_opens_where_this_one_closed(make_merchant, calendar):
    merchant, first, second = make_merchant(), next(calendar), next(calendar)
    books.busy_month(merchant.id, first)
    books.issued(first, merchant)
    books.busy_month(merchant.id, second)
    books.issued(second, merchant)
    one, two = books.statements_of(merchant.id)
    assert (one["closing"], two["opening"], two["closing"]) == (6622, 6622, 13244)
    assert f"closing balance of {one['number']} 66.22" in reading.pdf_text(services.file(two, suffix="pdf"))


def test_a_month_without_activity_is_stated_too(make_merchant, calendar):
    merchant, first, second = make_merchant(), next(calendar), next(calendar)
    books.busy_month(merchant.id, first)
    books.issued(first, merchant)
    books.issued(second, merchant)
    quiet = books.statements_of(merchant.id)[1]
    assert (quiet["opening"], quiet["closing"], quiet["lines"], quiet["postings"]) == (6622, 6622, 0, 0)


def test_modes_and_currencies_have_statements_of_their_own(make_merchant, month):
    merchant = make_merchant()
    for livemode, currency in ((True, "eur"), (True, "jpy"), (False, "eur")):
        books.busy_month(merchant.id, month, currency=currency, livemode=livemode)
    books.issued(month, merchant)
    found = {(row["livemode"], row["currency"]): row for row in books.statements_of(merchant.id)}
    assert set(found) == {(True, "eur"), (True, "jpy"), (False, "eur")}
    assert found[False, "eur"]["number"].startswith("TEST-")
    assert not found[True, "jpy"]["number"].startswith("TEST-")
    assert "closing balance 6,622" in reading.pdf_text(services.file(found[True, "jpy"], suffix="pdf"))


def test_an_open_month_is_not_stated(make_merchant, month):
    merchant = make_merchant()
    books.busy_month(merchant.id, month)
    with pytest.raises(MonthStillOpen):
        selectors.data_set(merchant_id=merchant.id, livemode=True, currency="eur", month=month)
    ledger.set_period(month=month, status="closed")


def test_working_twice_changes_nothing(make_merchant, month):
    merchant = make_merchant()
    books.busy_month(merchant.id, month)
    work = books.plan_closed(month, merchant)
    services.work_off(work_ids=work)
    before = books.statements_of(merchant.id)
    services.plan(month=month)
    assert services.work_off(work_ids=work) == 0
    assert books.statements_of(merchant.id) == before


def test_numbers_have_no_gap_when_many_issue_at_once(make_merchant, month):
    merchants = [make_merchant() for _ in range(12)]
    for merchant in merchants:
        books.book(merchant.id, month, "capture", {"pending": 100})
    work = books.plan_closed(month, *merchants)
    with ThreadPoolExecutor(4) as pool:
        tried = sum(pool.map(lambda _: _work_and_disconnect(work), range(4)))
    serials = [
        row["serial"] for row in db.query("SELECT serial FROM statements_statement WHERE series NOT LIKE 'TEST%%' ORDER BY serial", [])
    ]
    assert tried == len(work)
    assert serials == list(range(1, len(serials) + 1))
    assert all(len(books.statements_of(merchant.id)) == 1 for merchant in merchants)


def _work_and_disconnect(work: list[str]) -> int:
    try:
        return services.work_off(work_ids=work)
    finally:
        connections.close_all()


def test_the_merchant_is_told_and_a_mail_is_due(make_merchant, month):
    merchant = make_merchant(email="books@shop.example")
    books.busy_month(merchant.id, month)
    books.issued(month, merchant)
    statement = the_statement(merchant)
    (event,) = db.query("SELECT type, livemode, data FROM events_event WHERE object_id = %s", [statement["id"]])
    (mail,) = db.query("SELECT recipient, state FROM statements_delivery WHERE statement_id = %s", [statement["id"]])
    assert (event["type"], event["livemode"]) == ("statement.created", True)
    assert f'"number":"{statement["number"]}"' in event["data"]
    assert mail == {"recipient": "books@shop.example", "state": "pending"}


def test_a_statement_cannot_be_changed_or_deleted(make_merchant, month):
    merchant = make_merchant()
    books.busy_month(merchant.id, month)
    books.issued(month, merchant)
    statement = the_statement(merchant)
    for attempt in (
        "UPDATE statements_statement SET closing = closing + 1 WHERE id = %s",
        "UPDATE statements_statement SET number = 'X' WHERE id = %s",
        "UPDATE statements_statement SET pdf_sha256 = repeat('0', 64) WHERE id = %s",
        "UPDATE statements_statement SET status = 'numbered', pdf_sha256 = '', csv_sha256 = '' WHERE id = %s",
        "DELETE FROM statements_statement WHERE id = %s",
        "UPDATE statements_data SET body = '{}' WHERE statement_id = %s",
        "DELETE FROM statements_data WHERE statement_id = %s",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), psycopg.connect(_dsn()) as other:
            other.execute(attempt, [statement["id"]])
    assert the_statement(merchant) == statement


def _dsn() -> str:
    from django.conf import settings

    return settings.DATABASE_OWNER_DSN


def test_a_lost_file_is_made_again_byte_for_byte(make_merchant, month):
    merchant = make_merchant()
    books.busy_month(merchant.id, month)
    books.issued(month, merchant)
    statement = the_statement(merchant)
    for suffix in ("pdf", "csv"):
        before = services.file(statement, suffix=suffix)
        selectors.path(statement[f"{suffix}_sha256"], suffix=suffix).write_bytes(b"damaged")
        assert services.file(statement, suffix=suffix) == before
        assert selectors.path(statement[f"{suffix}_sha256"], suffix=suffix).read_bytes() == before


def test_a_file_that_cannot_be_made_again_is_not_replaced_by_another(make_merchant, month, monkeypatch):
    merchant = make_merchant()
    books.busy_month(merchant.id, month)
    books.issued(month, merchant)
    statement = the_statement(merchant)
    selectors.path(statement["csv_sha256"], suffix="csv").unlink()
    monkeypatch.setattr(issuing.csv_, "render", lambda data, cover: b"something else")
    with pytest.raises(FileLost):
        services.file(statement, suffix="csv")


def test_figures_that_do_not_add_up_are_parked_and_others_issued(make_merchant, month, monkeypatch):
    good, bad = make_merchant(), make_merchant()
    for merchant in (good, bad):
        books.busy_month(merchant.id, month)
    real = domain.verify
    monkeypatch.setattr(domain, "verify", lambda data: real(data) if data.merchant.id != bad.account else _refuse())
    work = books.plan_closed(month, good, bad)
    for _ in range(5):
        services.work_off(work_ids=work)
        db.query("UPDATE statements_work SET next_attempt_at = clock_timestamp() WHERE state = 'pending'")
    (given_up,) = selectors.parked(month)
    assert (given_up["merchant_id"], "do not add up" in given_up["last_error"]) == (bad.id, True)
    assert (len(books.statements_of(good.id)), len(books.statements_of(bad.id))) == (1, 0)
    monkeypatch.undo()
    assert services.retry_parked(month=month) == 1
    assert services.work_off(work_ids=work) == 1
    assert len(books.statements_of(bad.id)) == 1


def _refuse() -> None:
    raise domain.Unbalanced("they do not add up")


def test_one_merchant_does_not_see_another_s_statement(make_merchant, month):
    mine, other = make_merchant(), make_merchant()
    books.busy_month(mine.id, month)
    books.issued(month, mine)
    statement = the_statement(mine)
    with pytest.raises(NotFound):
        selectors.merchant_statement(merchant_id=other.id, livemode=True, statement_id=statement["id"])
    with pytest.raises(NotFound):
        selectors.merchant_statement(merchant_id=mine.id, livemode=False, statement_id=statement["id"])


def test_a_long_name_and_a_hostile_one_are_issued(make_merchant, month):
    merchant = make_merchant(name="=cmd()", legal_name="#include " + "x" * 300 + " شركة 株式会社 😀")
    books.busy_month(merchant.id, month)
    books.issued(month, merchant)
    assert the_statement(merchant)["status"] == "issued"


def test_a_superseded_statement_needs_its_successor(make_merchant, month):
    merchant = make_merchant()
    books.busy_month(merchant.id, month)
    books.issued(month, merchant)
    with pytest.raises(Exception, match="statements_statement_superseded"), connection.cursor() as cursor:
        cursor.execute("UPDATE statements_statement SET status = 'superseded' WHERE id = %s", [the_statement(merchant)["id"]])
    assert Statement.objects.get(merchant_id=merchant.id).status == "issued"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_the_audit_finds_nothing(check):
    assert check.offenders() == []


def test_the_month_s_last_day_belongs_to_it(make_merchant, calendar):
    merchant, month, after = make_merchant(), next(calendar), next(calendar)
    last = after.toordinal() - 1
    books.book(merchant.id, date.fromordinal(last), "capture", {"pending": 100})
    books.book(merchant.id, after, "capture", {"pending": 1})
    books.issued(month, merchant)
    assert the_statement(merchant)["closing"] == 100
