"""The journal in other programs' formats, and the trial balance: the same sums, and they balance."""

import csv
import re
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from psycopg import connect

from apps.core import ids
from apps.ledger import selectors, services
from apps.ledger.renderers import beancount, csv_, hledger
from tests.ledger.book import Book

LINE = re.compile(r"^    (\S+)  (-?[\d.]+) ([A-Z]{3})$")


@pytest.fixture
def books(scratch_database: str) -> list[Book]:
    """Two merchants with entries in four currencies and two months, one reversed."""
    first, second = Book(), Book()
    services.post_many(
        [
            first.entry((first.house("gateway_receivable.sandbox"), 10_000), (first.code("pending"), -9_680), (first.house("fees"), -320)),
            second.fund(500, booked_on="2026-02-28", kind='with "quotes" \\ and = signs'),
            first.entry((first.house("bank.test", "jpy"), 5_000), (first.code("available", "jpy"), -5_000), metadata={"note": "=1+1"}),
            first.entry((first.house("bank.test", "kwd"), 12_345), (first.code("available", "kwd"), -12_345)),
            first.fund(1_000),
            first.entry(
                (first.code("available"), 1_000),
                (first.house("trading"), -1_000),
                (first.house("trading", "usd"), 1_080),
                (first.code("available", "usd"), -1_080),
            ),
        ]
    )
    services.reverse(services.post(second.fund(7)).entry_id, reason="twice")
    return [first, second]


def exported(*arguments: str, tmp_path: Path) -> str:
    target = tmp_path / "journal"
    call_command("export_ledger", *arguments, "-o", str(target))
    return target.read_text()


def ledger_sums() -> dict[str, Decimal]:
    """What the ledger itself holds, by account code, in major units, debit positive."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for entry in selectors.entries():
        for line in entry["postings"]:
            sums[line["code"]] += Decimal(hledger.amount(line["amount"], line["currency"]).split()[0])
    return dict(sums)


def test_a_journal_for_hledger_has_every_line_and_every_entry_sums_to_zero(books: list[Book], tmp_path: Path) -> None:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for block in exported("--format", "hledger", tmp_path=tmp_path).split("\n\n")[1:]:
        lines = [LINE.match(line) for line in block.strip().splitlines()[1:]]
        per_currency: dict[str, Decimal] = defaultdict(Decimal)
        for account, amount, currency in (line.groups() for line in lines if line):
            _, scope, name = account.split(":")
            sums[f"{scope}:{name}:{currency.lower()}"] += Decimal(amount)
            per_currency[currency] += Decimal(amount)
        assert None not in lines
        assert set(per_currency.values()) == {0}
    assert dict(sums) == ledger_sums()


def test_beancount_accepts_the_journal_and_agrees_with_the_balances(books: list[Book], tmp_path: Path) -> None:
    target = tmp_path / "journal.beancount"
    call_command("export_ledger", "--format", "beancount", "-o", str(target))
    account = beancount.account_name({"code": books[0].code("available", "kwd"), "kind": "liability"})
    with target.open("a") as journal:
        journal.write(f"\n2100-01-01 balance {account}  -12.345 KWD\n")
    checked = subprocess.run([sys.executable, "-m", "beancount.scripts.check", str(target)], capture_output=True, text=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_beancount_refuses_a_journal_that_was_changed(books: list[Book], tmp_path: Path) -> None:
    target = tmp_path / "journal.beancount"
    call_command("export_ledger", "--format", "beancount", "-o", str(target))
    target.write_text(target.read_text().replace(" 12.345 KWD", " 12.346 KWD"))
    checked = subprocess.run([sys.executable, "-m", "beancount.scripts.check", str(target)], capture_output=True, text=True)
    assert checked.returncode == 1
    assert "does not balance" in checked.stdout + checked.stderr


def test_csv_holds_the_same_sums_and_no_formula(books: list[Book], tmp_path: Path) -> None:
    rows = list(csv.DictReader(StringIO(exported("--format", "csv", tmp_path=tmp_path))))
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row["account"]] += Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0)
    assert dict(sums) == ledger_sums()
    assert not [cell for row in rows for cell in row.values() if cell[:1] in "=+-@" and cell]
    assert csv_.line(["=HYPERLINK(1)"]) == "'=HYPERLINK(1)\r\n"


def test_a_month_and_a_mode_can_be_asked_for(books: list[Book], tmp_path: Path) -> None:
    text = exported("--format", "csv", "--month", "2026-02", tmp_path=tmp_path)
    assert len(text.splitlines()) == 1 + 2
    assert exported("--format", "csv", "--live", tmp_path=tmp_path).splitlines()[1:] == []
    with pytest.raises(CommandError, match="YYYY-MM"):
        exported("--format", "csv", "--month", "02/2026", tmp_path=tmp_path)


def test_an_export_reads_a_few_entries_at_a_time_and_misses_none(scratch_database: str, book: Book) -> None:
    services.post_many([book.fund(1, booked_on=f"2026-0{1 + number % 3}-07") for number in range(25)])
    read = [entry["id"] for entry in selectors.entries(at_once=4)]
    assert len(read) == len(set(read)) == 25
    assert sum(line["amount"] for entry in selectors.entries(at_once=7) for line in entry["postings"] if line["amount"] > 0) == 25


def test_the_trial_balance_is_a_table_per_mode_and_currency(books: list[Book]) -> None:
    out = StringIO()
    call_command("trial_balance", "--test", stdout=out)
    text = out.getvalue()
    assert re.search(r"^KWD, test$", text, re.M)
    assert re.search(r"^bank\.test +asset +12\.345 +0\.000 +12\.345$", text, re.M)
    assert re.search(r"^Total +12\.345 +12\.345 +0\.000$", text, re.M)
    assert "live" not in text


def test_the_trial_balance_fails_when_the_books_do_not_balance(books: list[Book]) -> None:
    with connect(settings.DATABASE_OWNER_DSN, autocommit=True) as own:
        own.execute("ALTER TABLE ledger_posting DISABLE TRIGGER USER")
        own.execute("UPDATE ledger_posting SET amount = amount + 1 WHERE id = 1")
    with pytest.raises(CommandError, match="do not balance: test eur"):
        call_command("trial_balance", stdout=StringIO())


def test_account_names_are_legal_where_they_go() -> None:
    merchant = ids.encode("acct", ids.new_id())
    account = {"code": f"{merchant}-test:payouts_in_transit:eur", "kind": "liability"}
    assert hledger.account_name(account) == f"liabilities:{merchant}-test:payouts_in_transit"
    assert re.fullmatch(r"Liabilities(:[A-Z0-9][A-Za-z0-9-]*)+", beancount.account_name(account))
    bank = {"code": "platform:bank.nl4x_7:eur", "kind": "asset"}
    assert beancount.account_name(bank) == "Assets:Platform:Bank:Nl4x-7"
