"""The camt.053 parser: what it reads, in which dialects, and what it refuses."""

import re
import socket
from datetime import date
from pathlib import Path

import pytest

from apps.reconciliation.domain import SourceLine, Statement
from apps.reconciliation.errors import FileRefused
from apps.reconciliation.parsers import camt053
from tests.reconciliation.files import IBAN, Entry, Stmt, balance, bank_file, camt

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "bank" / "camt"


def parsed(data: bytes) -> tuple[list[Statement], list[SourceLine]]:
    items = list(camt053.parse(data))
    return [i for i in items if isinstance(i, Statement)], [i for i in items if isinstance(i, SourceLine)]


def refusal(data: bytes) -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        list(camt053.parse(data))
    return caught.value


@pytest.mark.parametrize("version", ["02", "04", "06", "08", "10", "13"])
def test_every_version_in_use_is_read_alike(version):
    (statement,), (line,) = parsed(camt(Stmt(entries=[Entry(amount=98_45, reference="po_1", text="payout")], sequence=7), version=version))
    assert (statement.account, statement.sequence, statement.currency) == (IBAN, 7, "eur")
    assert (statement.opening.amount, statement.closing.amount) == (100_00, 198_45)
    assert (line.amount, line.kind, line.reference, line.party, line.text) == (98_45, "credit", "po_1", "Acquirer", "payout")
    assert (line.booked_on, line.value_on) == (date(2026, 11, 3), date(2026, 11, 3))


def test_the_sign_is_the_indicator():
    _, lines = parsed(bank_file(Entry(amount=500), Entry(amount=-500)))
    assert [(line.amount, line.kind) for line in lines] == [(500, "credit"), (-500, "debit")]


@pytest.mark.parametrize(("amount", "expected"), [(-500, -500), (500, 500)])
def test_a_reversal_keeps_the_sign_of_its_indicator(amount, expected):
    _, (line,) = parsed(bank_file(Entry(amount=amount, more="<RvslInd>true</RvslInd>")))
    assert (line.kind, line.amount) == ("reversal", expected)


@pytest.mark.parametrize("status", ["<Sts>BOOK</Sts>", "<Sts><Cd>BOOK</Cd></Sts>"])
def test_a_status_stands_alone_or_in_a_code(status):
    _, (line,) = parsed(bank_file(Entry(status=status)))
    assert line.kind == "credit"


def test_an_entry_that_is_not_booked_is_pending():
    _, (line,) = parsed(bank_file(Entry(status="<Sts>PDNG</Sts>")))
    assert line.kind == "pending"


def test_a_prefix_for_the_namespace_changes_nothing():
    plain = bank_file(Entry(reference="po_1")).replace(b"xmlns=", b"xmlns:d=")
    prefixed = re.sub(rb"<(/?)(?=[A-Z])", rb"<\1d:", plain)
    assert [line.reference for line in parsed(prefixed)[1]] == ["po_1"]


def test_several_statements_come_one_after_the_other():
    statements, lines = parsed(camt(Stmt(entries=[Entry(), Entry()]), Stmt(entries=[]), Stmt(entries=[Entry()])))
    assert [statement.position for statement in statements] == [1, 2, 3]
    assert [line.statement for line in lines] == [1, 1, 3]


def test_the_last_closing_balance_opens_where_no_opening_is_given():
    balances = balance("PRCD", 500) + balance("CLBD", 1_500)
    (statement,), _ = parsed(bank_file(Entry(), balances=balances))
    assert statement.opening.amount == 500


def test_the_interim_balances_of_a_page_are_its_ends():
    balances = balance("ITBD", 500) + balance("ITBD", 1_500)
    (statement,), _ = parsed(bank_file(Entry(), balances=balances, page=2))
    assert (statement.page, statement.opening.amount, statement.closing.amount) == (2, 500, 1_500)


def test_a_line_knows_where_it_stands_in_the_file():
    data = bank_file(*(Entry() for _ in range(3)), Entry(more="\n" * 70_000), Entry())
    data = data.replace(b"<Ntry>", b"\n<Ntry>")
    _, lines = parsed(data)
    rows = data.split(b"\n")
    assert all(rows[line.number - 1].startswith(b"<Ntry>") for line in lines)
    assert lines[-1].number > 65_535


def test_the_raw_entry_is_kept():
    _, (line,) = parsed(bank_file(Entry(text="für Müller &amp; Söhne")))
    assert line.raw.startswith("<Ntry")
    assert "für Müller &amp; Söhne" in line.raw
    assert line.text == "für Müller & Söhne"


@pytest.mark.parametrize(("encoding", "name"), [("utf-8", "UTF-8"), ("latin-1", "ISO-8859-1"), ("cp1252", "windows-1252")])
def test_an_honest_encoding_is_read(encoding, name):
    data = bank_file(Entry(text="Müller")).decode().replace("UTF-8", name).encode(encoding)
    assert parsed(data)[1][0].text == "Müller"


def batch(*amounts: int, total: int, charges: str = "") -> Entry:
    details = "".join(f'<TxDtls><Amt Ccy="EUR">{amount / 100:.2f}</Amt><CdtDbtInd>CRDT</CdtDbtInd></TxDtls>' for amount in amounts)
    return Entry(amount=total, details=f"<Btch><PmtInfId>B1</PmtInfId></Btch>{details}", more=charges)


def test_a_batch_is_one_line_under_its_own_reference():
    _, (line,) = parsed(bank_file(batch(300, 700, total=1_000)))
    assert (line.amount, line.reference) == (1_000, "B1")


def test_a_batch_that_does_not_add_up_is_refused():
    error = refusal(bank_file(batch(300, 699, total=1_000)))
    assert "transactions make 999, but the entry is 1000" in error.text


def test_charges_may_stand_between_a_batch_and_its_entry():
    assert parsed(bank_file(batch(300, 699, total=1_000, charges="<Chrgs><TtlChrgsAndTaxAmt>0.01</TtlChrgsAndTaxAmt></Chrgs>")))[1]


DOCTYPE = '<?xml version="1.0"?>\n<!DOCTYPE Document [<!ENTITY a "b">]>\n'
REFUSED = {
    "nothing": (b"", "empty"),
    "a byte order mark": (b"\xef\xbb\xbf", "empty"),
    "CSV": (b"a,b\n1,2\n", "not XML"),
    "UTF-16": (bank_file(Entry()).decode().encode("utf-16"), "UTF-16"),
    "a ZIP archive": (b"PK\x03\x04....", "ZIP"),
    "a PDF": (b"%PDF-1.4 <Document>", "PDF"),
    "cut in a tag": (bank_file(Entry())[:-30], "damaged"),
    "cut after an entry": (bank_file(Entry()).split(b"</Stmt>")[0], "damaged"),
    "a lie: Latin-1 as UTF-8": (bank_file(Entry(text="Müller")).decode().encode("latin-1"), "damaged"),
    "a lie: UTF-8 as Latin-1": (bank_file(Entry(text="Müller")).replace(b"UTF-8", b"ISO-8859-1"), "is UTF-8"),
    "an encoding to hide behind": (bank_file(Entry()).replace(b"UTF-8", b"UTF-7"), "not read"),
    "a DOCTYPE": (camt(Stmt(), prolog=DOCTYPE), "DOCTYPE"),
    "a DOCTYPE behind comments": (camt(Stmt(), prolog="<!-- a -->\n<!-- <x> -->\n<!DOCTYPE Document>"), "DOCTYPE"),
    "a DOCTYPE in lower case": (camt(Stmt(), prolog="<!doctype html>"), "DOCTYPE"),
    "a processing instruction": (camt(Stmt(), prolog='<?xml-stylesheet href="http://x/"?>'), "processing instruction"),
    "an instruction inside": (bank_file(Entry(more="<?php x ?>")), "processing instruction"),
    "an undeclared entity": (bank_file(Entry(text="&x;")), "damaged"),
    "XInclude": (bank_file(Entry(more='<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>')), "XInclude"),
    "another root": (b"<html/>", "not 'Document'"),
    "another message": (camt(Stmt(), namespace="urn:iso:std:iso:20022:tech:xsd:camt.052.001.08"), "not one of camt.053"),
    "an unheard-of version": (camt(Stmt(), version="99"), "not one of camt.053"),
    "a report in the statement's place": (camt(Stmt()).replace(b"BkToCstmrStmt", b"BkToCstmrAcctRpt"), "camt.052"),
    "no statement": (camt(), "no statement"),
    "no account": (camt(Stmt()).replace(b"<IBAN>" + IBAN.encode() + b"</IBAN>", b""), "no account"),
    "no id": (camt(Stmt(id="")), "no Id"),
    "no indicator": (bank_file(Entry(indicator="")), "CdtDbtInd is ''"),
    "an indicator that is neither": (bank_file(Entry(indicator="CREDIT")), "CdtDbtInd is 'CREDIT'"),
    "no status": (bank_file(Entry(status="")), "status ''"),
    "a status nobody knows": (bank_file(Entry(status="<Sts>DONE</Sts>")), "status 'DONE'"),
    "a signed amount": (bank_file(Entry()).replace(b">10.00<", b">-10.00<"), "has a sign"),
    "an amount with a comma": (bank_file(Entry()).replace(b">10.00<", b">10,00<"), "not a plain decimal"),
    "an amount in fractions of a cent": (bank_file(Entry()).replace(b">10.00<", b">10.001<"), "more digits"),
    "an amount of words": (bank_file(Entry()).replace(b">10.00<", b">INF<"), "not a plain decimal"),
    "no currency": (bank_file(Entry()).replace(b' Ccy="EUR">10.00', b">10.00"), "not a currency"),
    "the 31st of February": (bank_file(Entry(on="2026-02-31")), "not a date"),
    "a date of another country": (bank_file(Entry(on="11/03/2026")), "not a date"),
    "an empty date": (bank_file(Entry()).replace(b"<Dt>2026-11-03</Dt></BookgDt>", b"</BookgDt>"), "neither Dt nor DtTm"),
    "a balance after the entries": (bank_file(Entry()).replace(b"</Stmt>", balance("CLBD", 1).encode() + b"</Stmt>"), "after the entries"),
    "a sequence of letters": (bank_file().replace(b"<CreDtTm>", b"<ElctrncSeqNb>x</ElctrncSeqNb><CreDtTm>", 1), "not a number"),
    "a thousand levels": (bank_file(Entry(more="<a>" * 1000 + "</a>" * 1000)), "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_a_statement_is_refused_with_one_reason(case):
    data, reason = REFUSED[case]
    assert reason in refusal(data).text


def test_the_line_of_a_bad_entry_is_named():
    data = bank_file(Entry(), Entry(indicator="")).replace(b"<Ntry>", b"\n<Ntry>")
    rows = data.split(b"\n")
    assert rows[refusal(data).line - 1].startswith(b"<Ntry>")


def test_no_entity_is_read_from_a_file_and_no_socket_is_opened(tmp_path, monkeypatch):
    canary = tmp_path / "canary"
    canary.write_text("SECRET")
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a socket was opened"))
    for entity in (f'SYSTEM "file://{canary}"', 'SYSTEM "http://127.0.0.1:9/"', 'PUBLIC "x" "http://127.0.0.1:9/"'):
        for kind in ("", "% "):
            prolog = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY {kind}x {entity}>]>'
            assert "SECRET" not in refusal(camt(Stmt(entries=[Entry(text="&x;")]), prolog=prolog)).text


def test_a_schema_location_is_not_fetched(monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a socket was opened"))
    location = b'<Document xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x http://127.0.0.1:9/x.xsd" '
    assert len(parsed(bank_file(Entry()).replace(b"<Document ", location))[1]) == 1


def test_laughs_do_not_multiply():
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    prolog = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY l0 "ha">{entities}]>'
    assert "DOCTYPE" in refusal(camt(Stmt(entries=[Entry(text="&l9;")]), prolog=prolog)).text


def test_one_text_of_eleven_megabytes_is_refused():
    assert "damaged" in refusal(bank_file(Entry(text="x" * 11_000_000))).text


EXPECTED = {
    "camt053.v2.all-balance-types.xml": ("CH2801234000123456789", "CAMT0532015012200001", "eur", 315, [885]),
    "camt053.v2.minimal.ultimate.xml": ("NL26VAYB8060476890", "253EURNL26VAYB8060476890", "eur", 12312, [885]),
    "camt053.v2.minimal.xml": ("NL26VAYB8060476890", "253EURNL26VAYB8060476890", "eur", 12312, [885]),
    "camt053.v2.with-account-name.xml": ("CH2801234000123456789", "253EURCH2801234000123456789", "", None, [885]),
    "camt053.v2.with-party-ids.xml": ("NL26VAYB8060476890", "253EURNL26VAYB8060476890", "eur", 12312, [885]),
    "camt053.v4.xml": ("NL26VAYB8060476890", "253EURNL26VAYB8060476890", "eur", 12312, [885]),
    "camt053_duplicate_same_day.xml": ("DE89370400440532013000", "GOLDEN-DUP", "", None, [-450, -450]),
    "camt053_no_namespace.xml": ("GB29NWBK60161331926819", "GOLDEN-NONS", "gbp", None, [25_000]),
}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the folder of real bank files is not beside the repository")
@pytest.mark.parametrize("name", EXPECTED)
def test_a_real_bank_file_is_read(name):
    (statement,), lines = parsed((SAMPLES / name).read_bytes())
    found = (statement.account, statement.statement_id, statement.currency, statement.sequence, [line.amount for line in lines])
    assert found == EXPECTED[name]


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the folder of real bank files is not beside the repository")
def test_real_files_of_other_messages_are_refused():
    others = [path for path in SAMPLES.glob("*.xml") if path.name not in EXPECTED]
    assert len(others) >= 8
    assert all(refusal(path.read_bytes()).line for path in others)
