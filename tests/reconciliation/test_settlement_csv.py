"""The settlement parser: what it reads, and every way in which a file is refused."""

from datetime import date

import pytest

from apps.reconciliation.domain import Report, SourceLine
from apps.reconciliation.errors import FileRefused
from apps.reconciliation.parsers import settlement_csv
from tests.reconciliation.files import HEADER, Line, settlement


def lines_of(data: bytes) -> list[SourceLine]:
    head, *lines = settlement_csv.parse(data)
    assert head == Report(source="sandbox")
    return lines


def refusal(data: bytes) -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        list(settlement_csv.parse(data))
    return caught.value


def test_a_capture_is_read_to_the_cent():
    (line,) = lines_of(settlement(Line(gross=10_000, fee=55, reference="att_x1", payout="po_7", line_id="L1")))
    assert (line.kind, line.amount, line.fee, line.net, line.currency) == ("capture", 10_000, 55, 9_945, "eur")
    assert (line.reference, line.batch, line.external_id, line.number) == ("att_x1", "po_7", "L1", 2)
    assert line.booked_on == date(2026, 11, 2)
    assert line.raw == "po_7,L1,capture,att_x1,att_x1,2026-11-02T10:00:00Z,EUR,100.00,0.55,99.45"


def test_a_refund_is_negative():
    (line,) = lines_of(settlement(Line(gross=-4_000, fee=0)))
    assert (line.kind, line.amount, line.fee, line.net) == ("refund", -4_000, 0, -4_000)


def test_gross_less_fee_is_net_over_the_whole_file():
    lines = lines_of(settlement(*(Line(gross=gross, fee=gross // 7) for gross in range(1, 400))))
    assert sum(line.amount for line in lines) - sum(line.fee for line in lines) == sum(line.net for line in lines)


@pytest.mark.parametrize(("currency", "text", "minor"), [("JPY", "1500", 1_500), ("KWD", "1.500", 1_500), ("EUR", "15.00", 1_500)])
def test_an_amount_has_the_digits_of_its_currency(currency, text, minor):
    zero = text[:0] + {"JPY": "0", "KWD": "0.000", "EUR": "0.00"}[currency]
    (line,) = lines_of(settlement(f"po_1,L1,capture,r,r,2026-11-02T10:00:00Z,{currency},{text},{zero},{text}"))
    assert line.amount == minor


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_one(end):
    lines = lines_of(settlement(Line(), Line(), end=end))
    assert [line.number for line in lines] == [2, 3]


def test_mixed_line_ends_and_no_last_one_are_read():
    data = f"{HEADER}\r\n{Line().text()}\r{Line().text()}\n{Line().text()}".encode()
    assert [line.number for line in lines_of(data)] == [2, 3, 4]


def test_a_byte_order_mark_is_not_part_of_the_header():
    assert len(lines_of(b"\xef\xbb\xbf" + settlement(Line()))) == 1


def test_a_moment_in_another_zone_counts_on_its_utc_day():
    (line,) = lines_of(settlement(Line(at="2026-11-03T00:30:00+01:00")))
    assert line.booked_on == date(2026, 11, 2)


def bad(**changes: str) -> str:
    """A good line with some cells replaced."""
    names = HEADER.split(",")
    return ",".join(changes.get(name, cell) for name, cell in zip(names, Line().cells(), strict=True))


BAD_LINES = {
    "a column too few": (bad().rsplit(",", 1)[0], "9 columns where the header has 10"),
    "a column too many": (bad() + ",1", "11 columns"),
    "cut in the middle of the last amount": (bad()[:-1], "2 digits after the point"),
    "a thousands separator": (bad(gross='"1,000.00"'), "not a plain decimal"),
    "a comma for the point": (bad(gross='"10,00"'), "not a plain decimal"),
    "a european amount": (bad(gross='"1.234,56"'), "not a plain decimal"),
    "full-width digits": (bad(gross="１０.00"), "not a plain decimal"),
    "an exponent": (bad(gross="1E3"), "not a plain decimal"),
    "a plus sign": (bad(gross="+10.00"), "not a plain decimal"),
    "a space in an amount": (bad(gross="10. 00"), "not a plain decimal"),
    "NaN": (bad(gross="NaN"), "not a plain decimal"),
    "four hundred digits": (bad(gross="9" * 400 + ".00"), "not a plain decimal"),
    "net that is not gross less fee": (bad(net="9.91"), "gross 1000 less fee 10 is 990, but net is 991"),
    "a negative capture": (bad(gross="-10.00", net="-10.10"), "wrong sign"),
    "a positive refund": (bad(type="refund"), "wrong sign"),
    "a capture of nothing": (bad(gross="0.00", net="-0.10"), "wrong sign"),
    "an unknown type": (bad(type="payout"), "type 'payout' is not known"),
    "an unknown currency": (bad(currency="XTS"), "not a currency"),
    "a currency in lower case": (bad(currency="eur"), "not a currency"),
    "the digits of another currency": (bad(currency="JPY"), "0 digits after the point"),
    "the 31st of February": (bad(captured_at="2026-02-31T10:00:00Z"), "not a moment"),
    "a German date": (bad(captured_at="31.02.2026"), "not a moment"),
    "a two-digit year": (bad(captured_at="26-11-02T10:00:00Z"), "not a moment"),
    "a moment without zone": (bad(captured_at="2026-11-02T10:00:00"), "not a moment"),
    "hour 24": (bad(captured_at="2026-11-02T24:00:00Z"), "not a moment"),
    "a formula for a reference": (bad(reference="=1+1"), "not a reference"),
    "a formula behind an at": (bad(reference="@SUM(A1)"), "not a reference"),
    "no reference": (bad(reference=""), "not a reference"),
    "a control character": (bad(reference="att\x1b[31m"), "not a reference"),
    "right-to-left marks": (bad(reference="att_\u202e1"), "not a reference"),
    "a quote that is never closed": (bad(reference='"att_1'), "quote is not closed"),
    "an embedded newline": (bad(reference='"att\n_1"'), "quote is not closed"),
    "a line of a megabyte": (bad(reference="x" * 1_000_000), "more than 16384 characters"),
    "an empty line": ("", "1 columns"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_LINES)
def test_a_bad_line_is_named_with_its_number(case):
    text, reason = BAD_LINES[case]
    error = refusal(settlement(Line(), text, Line()))
    assert error.line == 3
    assert error.text.startswith("Line 3: ")
    assert reason in error.text


BAD_HEADERS = {
    "a column missing": (HEADER.replace(",fee", ""), "column 'fee' is missing"),
    "a column more": (HEADER + ",extra", "column 'extra' is not known"),
    "a column twice": (HEADER.replace("fee", "net"), "column 'net' comes twice"),
    "semicolons": (HEADER.replace(",", ";"), "separated by ';'"),
    "another order": (HEADER.replace("gross,fee", "fee,gross"), "another order"),
    "no header": (Line().text(), "none of its columns is known"),
}


@pytest.mark.parametrize("case", BAD_HEADERS)
def test_a_header_of_no_known_layout_is_refused(case):
    header, reason = BAD_HEADERS[case]
    error = refusal(settlement(Line(), header=header))
    assert error.line == 1
    assert reason in error.text


NOT_CSV = {
    "nothing": b"",
    "a byte order mark and nothing": b"\xef\xbb\xbf",
    "white space": b" \r\n\t\n",
    "a header and no lines": HEADER.encode() + b"\r\n",
    "UTF-16": settlement(Line()).decode().encode("utf-16"),
    "Latin-1": settlement(Line()).replace(b"capture", "capturé".encode("latin-1")),
    "windows-1252": settlement(Line()).replace(b"capture", b"\x80"),
    "NUL bytes": settlement(Line()).replace(b"po_1", b"po\x00"),
    "a ZIP archive": b"PK\x03\x04" + b"\x00" * 40,
    "gzip": b"\x1f\x8b\x08\x00" + b"\x00" * 40,
    "a PDF that is also CSV": b"%PDF-1.7\n" + settlement(Line()),
    "XML": b"<?xml version='1.0'?><Document/>",
}


@pytest.mark.parametrize("case", NOT_CSV)
def test_what_is_not_a_settlement_file_is_refused(case):
    assert refusal(NOT_CSV[case]).text


def test_bytes_that_are_not_utf8_are_named_with_their_line():
    assert refusal(settlement(Line(), Line()) + b"\xff\xfe").line == 4


def test_a_payout_has_one_currency():
    error = refusal(settlement(Line(payout="po_9"), Line(payout="po_9", currency="USD")))
    assert error.line == 3
    assert "mixes EUR and USD" in error.text


def test_what_is_shown_of_a_line_is_cut_and_escaped():
    error = refusal(settlement(bad(reference="<script>\x07" + "x" * 5000)))
    assert len(error.text) < 120
    assert "\x07" not in error.text
