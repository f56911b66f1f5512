"""A file is taken in whole or not at all, and once; what is wrong with it is said once, with its line."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from apps.core import db
from apps.reconciliation import selectors, services
from apps.reconciliation.domain import MAX_FILE_BYTES, ImportedFile
from apps.reconciliation.errors import FileTooLarge
from tests.reconciliation.files import Entry, Line, Stmt, balance, bank_file, camt, settlement
from tests.reconciliation.test_camt053 import REFUSED, SAMPLES
from tests.reconciliation.test_settlement_csv import BAD_HEADERS, BAD_LINES, NOT_CSV
from tests.reconciliation.world import World, new_account, register_bank

FUTURE = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()


def take(data: bytes, name: str = "file", kind: str | None = None) -> ImportedFile:
    return services.import_file(data=data, name=name, kind=kind, received_by="test")


def rows_of(file: ImportedFile) -> dict[str, int]:
    """How many rows each table has of the file."""
    counts = {
        "lines": "SELECT count(*) AS n FROM recon_source_line WHERE file_id = %s",
        "open": "SELECT count(*) AS n FROM recon_open_line WHERE file_id = %s",
        "statements": "SELECT count(*) AS n FROM recon_statement WHERE file_id = %s",
        "files": "SELECT count(*) AS n FROM recon_source_file WHERE id = %s AND status = 'imported'",
    }
    return {name: db.query(sql, [file.file_id])[0]["n"] for name, sql in counts.items()}


NOTHING = {"lines": 0, "open": 0, "statements": 0, "files": 0}


def refused(data: bytes, *, reason: str, kind: str | None = None) -> ImportedFile:
    """The file is in quarantine for that reason, and nothing of it is anywhere else."""
    file = take(data, kind=kind)
    assert (file.status, file.lines) == ("quarantined", 0)
    assert reason in file.error
    assert rows_of(file) == NOTHING
    return file


def stmt(*entries: Entry, **changes: object) -> bytes:
    """A statement of an account of ours that no other test uses."""
    return camt(Stmt(entries=list(entries), **({"account": new_account()} | changes)))  # type: ignore[arg-type]


@pytest.mark.parametrize("case", BAD_LINES)
def test_a_settlement_file_with_one_bad_line_is_refused_whole(case: str) -> None:
    text, reason = BAD_LINES[case]
    file = refused(settlement(Line(), text, Line()), reason=reason, kind="settlement")
    assert file.error.startswith("Line 3: ")


@pytest.mark.parametrize("case", BAD_HEADERS)
def test_a_settlement_file_of_another_layout_is_refused(case: str) -> None:
    header, reason = BAD_HEADERS[case]
    refused(settlement(Line(), header=header), reason=reason, kind="settlement")


@pytest.mark.parametrize("case", NOT_CSV)
def test_what_is_no_settlement_file_is_refused(case: str) -> None:
    refused(NOT_CSV[case], reason="", kind="settlement")


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_bank_file_is_refused(case: str) -> None:
    data, reason = REFUSED[case]
    refused(data, reason=reason, kind="bank")


BANK_FILES = {
    "closing that does not follow": (lambda: stmt(Entry(amount=100), opening=0, closing=99), "must close with 100; it says 99"),
    "no opening balance": (lambda: stmt(balances=balance("CLBD", 0)), "no opening balance"),
    "no closing balance": (lambda: stmt(balances=balance("OPBD", 0)), "no closing balance"),
    "no balances": (lambda: stmt(Entry(), balances=""), "no opening balance"),
    "a balance in another currency": (
        lambda: stmt(balances=balance("OPBD", 0) + balance("CLBD", 0, currency="SEK")),
        "the closing balance is in SEK on an account in EUR",
    ),
    "an entry in another currency": (lambda: stmt(Entry(currency="USD")), "an entry in USD on an account in EUR"),
    "an account of somebody else": (lambda: stmt(Entry(), account="DE89370400440532013000"), "not registered as ours"),
    "an entry from the future": (lambda: stmt(Entry(on=FUTURE)), "after today"),
    "a reference of a megabyte": (lambda: stmt(Entry(reference="x" * 1_000_000)), "more than 200 characters"),
    "a second statement that is wrong": (
        lambda: camt(Stmt(entries=[Entry()], account=new_account()), Stmt(entries=[Entry()], account=new_account(), closing=1)),
        "must close with",
    ),
    "a second statement of another bank": (
        lambda: camt(Stmt(account=new_account()), Stmt(account="DE89370400440532013000")),
        "not registered as ours",
    ),
}


@pytest.mark.parametrize("case", BANK_FILES)
def test_a_statement_that_cannot_be_is_refused_whole(case: str) -> None:
    make, reason = BANK_FILES[case]
    file = refused(make(), reason=reason)
    assert file.error.startswith("Line ")


def test_a_settlement_line_from_the_future_is_refused() -> None:
    refused(settlement(Line(), Line(at=f"{FUTURE}T10:00:00Z")), reason="Line 3: it is dated")


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the folder of real bank files is not beside the repository")
def test_real_statements_of_other_peoples_accounts_are_refused() -> None:
    for path in sorted(SAMPLES.glob("camt053*.xml")):
        file = take(path.read_bytes(), path.name)
        assert (file.status, rows_of(file)) == ("quarantined", NOTHING)


def test_the_same_bytes_are_imported_once_under_any_name() -> None:
    data = settlement(Line(), Line())
    first, again = take(data, "monday.csv"), take(data, "tuesday.csv")
    assert (first.status, again.status, again.file_id, again.name) == ("imported", "repeated", first.file_id, "monday.csv")
    assert rows_of(first) == {"lines": 2, "open": 2, "statements": 0, "files": 1}


def test_a_statement_id_comes_once_whatever_it_says_the_second_time() -> None:
    account = new_account()
    take(stmt(Entry(amount=100), account=account, id="S-1"))
    refused(stmt(Entry(amount=200), account=account, id="S-1"), reason="imported before from file, with other content")


def test_the_same_statement_id_of_another_account_is_another_statement() -> None:
    files = [take(stmt(Entry(), id="S-2")) for _ in range(2)]
    assert [file.status for file in files] == ["imported", "imported"]


def test_the_pages_of_a_statement_have_one_id() -> None:
    account = new_account()
    pages = [
        take(stmt(Entry(), account=account, id="S-3", page=1, balances=balance("OPBD", 0) + balance("ITBD", 1_000))),
        take(stmt(Entry(), account=account, id="S-3", page=2, balances=balance("ITBD", 1_000) + balance("CLBD", 2_000))),
    ]
    assert [page.status for page in pages] == ["imported", "imported"]


def test_every_line_and_its_raw_text_is_kept() -> None:
    lines = [Line(), Line(gross=-500, fee=0)]
    file = take(settlement(*lines))
    kept = db.query("SELECT number, raw, amount, fee, net FROM recon_source_line WHERE file_id = %s ORDER BY position", [file.file_id])
    assert [(row["number"], row["raw"]) for row in kept] == [(2, lines[0].text()), (3, lines[1].text())]
    assert [(row["amount"], row["fee"], row["net"]) for row in kept] == [(1_000, 10, 990), (-500, 0, -500)]


def test_the_sum_of_the_lines_is_the_payout() -> None:
    payout = f"po_{uuid4().hex}"
    take(settlement(*(Line(gross=gross, fee=7, payout=payout) for gross in range(100, 200))))
    (row,) = db.query("SELECT gross, fee, amount, lines FROM recon_payout WHERE reference = %s", [payout])
    assert (row["gross"], row["fee"], row["amount"], row["lines"]) == (14_950, 700, 14_250, 100)


def test_a_file_in_quarantine_is_kept_as_it_came_with_the_line_it_stumbled_over() -> None:
    data = settlement(Line(), "oops", Line())
    file = take(data)
    assert selectors.content(file.file_id) == data
    assert selectors.raw_line(file.file_id, 3) == "oops"


def test_a_file_in_quarantine_can_be_tried_again() -> None:
    account = f"GB{uuid4().int % 10**20:020d}"
    data = stmt(Entry(), account=account)
    first = refused(data, reason="not registered as ours")
    register_bank(account)
    again = take(data)
    assert (again.status, again.file_id, rows_of(again)["lines"]) == ("imported", first.file_id, 1)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\files\\a.csv", "a.csv"),
        ("a\x00b\r\n.csv", "ab.csv"),
        ("\u202egnp.csv", "gnp.csv"),
        ("x" * 300, "x" * 255),
        ("/", "unnamed"),
    ],
)
def test_a_name_is_only_a_name(name: str, shown: str) -> None:
    assert take(settlement(Line()), name).name == shown


def test_a_file_that_is_too_large_is_not_even_kept() -> None:
    with pytest.raises(FileTooLarge):
        take(b"x" * (MAX_FILE_BYTES + 1))
    assert db.query("SELECT count(*) AS n FROM recon_source_file WHERE size > %s", [MAX_FILE_BYTES])[0]["n"] == 0


def test_a_kind_that_is_not_given_is_seen_from_the_content() -> None:
    assert take(settlement(Line())).status == "imported"
    assert take(stmt(Entry())).status == "imported"


def test_a_bank_file_under_the_name_of_a_settlement_file_is_refused() -> None:
    refused(bank_file(Entry()), reason="is of no layout", kind="settlement")


def test_every_imported_line_is_somewhere_exactly_once(world: World) -> None:
    capture = world.capture()
    file = world.settle(capture.line(), Line(), capture.line(gross=5_000))
    world.match()
    places = db.query(
        """SELECT count(*) AS lines, count(g.line_id) AS matched, count(o.line_id) AS open, sum(l.amount)::bigint AS in_file,
                  (coalesce(sum(l.amount) FILTER (WHERE g.line_id IS NOT NULL), 0)
                   + coalesce(sum(l.amount) FILTER (WHERE o.line_id IS NOT NULL), 0))::bigint AS accounted
           FROM recon_source_line l LEFT JOIN recon_match_leg g ON g.line_id = l.id AND g.active
           LEFT JOIN recon_open_line o ON o.line_id = l.id WHERE l.file_id = %s""",
        [file.file_id],
    )
    assert places == [{"lines": 3, "matched": 1, "open": 2, "in_file": 7_000, "accounted": 7_000}]
