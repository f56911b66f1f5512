"""The files of a statement, read back as a stranger would read them."""

import hashlib
import io
import subprocess
import sys
from decimal import Decimal

import pytest
from pypdf import PdfReader

from apps.core.money import to_major
from apps.statements import domain
from apps.statements.renderers import csv_, page, pdf
from apps.statements.renderers.figures import grouped
from tests.statements import reading, samples

TRICKS = [
    "#include <img src=file:///etc/passwd>",
    "{{7*7}} *bold* _it_ `raw` $x^2$ @ref",
    '#read("/etc/passwd") // comment /* */',
    "=HYPERLINK(1) url(http://127.0.0.1)",
    "\\ ~ -- --- ... \" ' < > & <link rel=attachment>",
]


def render(data):
    cover = samples.cover(data)
    return pdf.render(data, cover), csv_.render(data, cover)


@pytest.mark.parametrize(("currency", "exponent"), [("eur", 2), ("jpy", 0), ("kwd", 3)])
def test_pdf_csv_and_data_agree_on_every_line(currency, exponent):
    data = samples.data_set(80, seed=3, currency=currency, exponent=exponent)
    document, table = render(data)
    text, rows = reading.pdf_text(document), reading.csv_rows(table)
    lines = [row for row in rows if row["record"] == "line"]
    assert len(lines) == len(data.lines)
    for line, row in zip(data.lines, lines, strict=True):
        figures = [line.gross, *([line.fee] if line.fee else []), line.net, line.balance]
        assert f"{line.source} " + " ".join(grouped(figure, exponent) for figure in figures) in text
        assert [reading.minor(row[name], exponent) for name in ("gross", "fee", "net", "balance")] == [
            line.gross,
            line.fee,
            line.net,
            line.balance,
        ]
    assert [reading.minor(row["balance"], exponent) for row in (rows[0], rows[-1])] == [data.opening, data.closing]


@pytest.mark.parametrize("seed", range(12))
def test_every_total_in_the_pdf_is_the_data_s(seed):
    data = samples.data_set(5 + seed * 9, seed=seed)
    text = reading.pdf_text(render(data)[0])
    amount = {row.name: to_major(row.amount, "eur") for row in data.rows}
    count = {row.name: Decimal(row.count) for row in data.rows}
    bridge = text.partition("How the balance came about")[2]
    assert reading.amounts_after(bridge, "Payments received", count=2) == [count["payments"], amount["payments"]]
    assert reading.amounts_after(bridge, "\nFees", count=2) == [count["fees"], amount["fees"]]
    assert reading.amounts_after(bridge, "Closing balance on 31 October 2026") == [to_major(data.closing, "eur")]
    assert reading.amounts_after(text, "Fees in total") == [-amount["fees"]]
    assert reading.amounts_after(bridge, "Together", count=2) == [to_major(data.opening, "eur"), to_major(data.closing, "eur")]


def test_the_same_input_gives_the_same_bytes_in_another_process():
    script = (
        "import hashlib; from tests.statements import samples; from apps.statements.renderers import csv_, pdf;"
        "data = samples.data_set(40); cover = samples.cover(data);"
        "print(*(hashlib.sha256(render(data, cover)).hexdigest() for render in (pdf.render, csv_.render)))"
    )
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    ours = [hashlib.sha256(content).hexdigest() for content in render(samples.data_set(40))]
    assert ours == other


@pytest.mark.parametrize("trick", TRICKS)
def test_a_merchant_s_name_is_shown_as_it_is_written(trick):
    document, table = render(samples.data_set(3, name=trick))
    said = "".join(reading.pdf_text(document).split())
    assert "".join(trick.split()) in said
    assert "root:" not in said
    assert len(reading.csv_rows(table)) >= 2


def test_rendering_opens_no_file_and_no_socket_because_of_a_name():
    script = (
        "import sys; from tests.statements import samples; from apps.statements.renderers import pdf;"
        f"data = samples.data_set(3, name={TRICKS[0]!r} + {TRICKS[2]!r}); pdf.render(samples.data_set(3), samples.cover(data)); seen = [];"
        "watched = ('open', 'socket.connect', 'subprocess.Popen');"
        "sys.addaudithook(lambda event, args: seen.append((event, args)) if event in watched else None);"
        "pdf.render(data, samples.cover(data)); print([str(args[0]) for _, args in seen])"
    )
    opened = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    assert opened == "[]"


def test_a_month_without_activity_says_so():
    text = reading.pdf_text(render(samples.data_set(0, opening=0))[0])
    assert "No activity in October 2026" in text
    assert reading.amounts_after(text, "Closing balance on 31 October 2026") == [0]


def test_test_data_is_marked_on_every_page():
    pages = PdfReader(io.BytesIO(render(samples.data_set(150, livemode=False))[0])).pages
    assert len(pages) > 2
    assert all("TEST DATA" in page.extract_text() for page in pages)


def test_every_page_has_its_number_and_the_table_its_head():
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(render(samples.data_set(200))[0])).pages]
    assert [f"Page {number} of {len(pages)}" in text for number, text in enumerate(pages, 1)] == [True] * len(pages)
    assert all("DATE DESCRIPTION REFERENCE GROSS FEE NET BALANCE" in text for text in pages[:-1])


def test_the_pdf_is_tagged_archival_and_dated_with_the_issue():
    document = PdfReader(io.BytesIO(render(samples.data_set(10))[0]))
    assert document.trailer["/Root"]["/MarkInfo"]["/Marked"] is not None
    assert document.metadata.creation_date.isoformat() == "2026-11-01T00:01:00+00:00"
    assert b"pdfaid:part>3</pdfaid:part" in document.trailer["/Root"]["/Metadata"].get_data()
    assert b"pdfuaid:part" in document.trailer["/Root"]["/Metadata"].get_data()


def test_the_pdf_carries_the_data_it_was_made_from():
    data = samples.data_set(25)
    attached = reading.attached_data(render(data)[0])
    assert domain.restored(attached) == data
    assert domain.digest(attached) == samples.cover(data).data_sha256
    assert samples.cover(data).data_sha256 in reading.pdf_text(render(data)[0])


def test_a_very_long_month_is_printed_by_day_and_whole_in_the_csv(monkeypatch):
    monkeypatch.setattr(page, "DETAIL_LINES", 50)
    data = samples.data_set(90, seed=4)
    document, table = render(data)
    text = reading.pdf_text(document)
    assert f"This account has {len(data.lines)} transactions" in text
    for day in domain.days(data.lines):
        assert f"{day.count} transactions {grouped(day.gross, 2)}" in text
    assert sum(row["record"] == "line" for row in reading.csv_rows(table)) == len(data.lines)


def test_texts_in_the_csv_are_no_formulas():
    data = samples.data_set(12)
    lines = [domain.Line(**{**{name: getattr(line, name) for name in line.__struct_fields__}, "note": "=1+1"}) for line in data.lines]
    table = csv_.render(
        domain.DataSet(**{**{name: getattr(data, name) for name in data.__struct_fields__}, "lines": lines}), samples.cover(data)
    )
    rows = reading.csv_rows(table)[1:-1]
    assert {row["description"] for row in rows} == {"'=1+1"}
    assert any(row["net"].startswith("-") for row in rows)
