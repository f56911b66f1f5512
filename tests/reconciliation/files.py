"""Builders of small bank and settlement files. Amounts are minor units of a currency with two digits."""

from dataclasses import dataclass, field
from itertools import count
from uuid import uuid4

from apps.core import ids

HEADER = "payout_id,line_id,type,reference,authorization,captured_at,currency,gross,fee,net"
IBAN = "NL91SBNK0000052118"
_serial = count(1)


def major(minor: int) -> str:
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02d}"


def new_reference() -> str:
    return ids.encode("att", ids.new_id())


def new_payout() -> str:
    return f"po_{uuid4().hex[:16]}"


@dataclass(kw_only=True)
class Line:
    """One line of a settlement report."""

    gross: int = 1000
    fee: int = 10
    reference: str = field(default_factory=new_reference)
    payout: str = "po_1"
    type: str = ""
    line_id: str = field(default_factory=lambda: f"sbl_{uuid4().hex[:20]}")
    at: str = "2026-11-02T10:00:00Z"
    currency: str = "EUR"

    @property
    def net(self) -> int:
        return self.gross - self.fee

    def cells(self) -> list[str]:
        type_ = self.type or ("refund" if self.gross < 0 else "capture")
        amounts = [major(minor) for minor in (self.gross, self.fee, self.net)]
        return [self.payout, self.line_id, type_, self.reference, self.reference, self.at, self.currency, *amounts]

    def text(self) -> str:
        return ",".join(self.cells())


def settlement(*lines: Line | str, header: str = HEADER, end: str = "\r\n") -> bytes:
    texts = [header, *(line if isinstance(line, str) else line.text() for line in lines)]
    return (end.join(texts) + end).encode()


@dataclass(kw_only=True)
class Entry:
    """One entry of a bank statement; `more` is put in before its details."""

    amount: int = 1000
    reference: str = ""
    bank_reference: str = field(default_factory=lambda: f"BNK{next(_serial):08d}")
    on: str = "2026-11-03"
    currency: str = "EUR"
    status: str = "<Sts><Cd>BOOK</Cd></Sts>"
    indicator: str | None = None
    text: str = ""
    more: str = ""
    details: str | None = None

    def xml(self) -> str:
        sign = self.indicator if self.indicator is not None else ("DBIT" if self.amount < 0 else "CRDT")
        indicator = f"<CdtDbtInd>{sign}</CdtDbtInd>" if sign else ""
        bank = f"<AcctSvcrRef>{self.bank_reference}</AcctSvcrRef>" if self.bank_reference else ""
        return (
            f'<Ntry><Amt Ccy="{self.currency}">{major(abs(self.amount))}</Amt>{indicator}{self.more}{self.status}'
            f"<BookgDt><Dt>{self.on}</Dt></BookgDt><ValDt><Dt>{self.on}</Dt></ValDt>{bank}"
            f"<NtryDtls>{self.details if self.details is not None else self._details()}</NtryDtls></Ntry>"
        )

    def _details(self) -> str:
        return (
            f"<TxDtls><Refs><EndToEndId>{self.reference or 'NOTPROVIDED'}</EndToEndId></Refs>"
            f"<RltdPties><Dbtr><Pty><Nm>Acquirer</Nm></Pty></Dbtr></RltdPties><RmtInf><Ustrd>{self.text}</Ustrd></RmtInf></TxDtls>"
        )


def balance(code: str, minor: int, *, currency: str = "EUR", on: str = "2026-11-03") -> str:
    sign = "DBIT" if minor < 0 else "CRDT"
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{major(abs(minor))}</Amt>'
        f"<CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>{on}</Dt></Dt></Bal>"
    )


@dataclass(kw_only=True)
class Stmt:
    """One statement; `closing` follows from the entries unless it is given."""

    entries: list[Entry | str] = field(default_factory=list)
    opening: int = 10_000
    closing: int | None = None
    id: str = field(default_factory=lambda: f"S{next(_serial)}-{uuid4().hex[:8]}")
    account: str = IBAN
    currency: str = "EUR"
    sequence: int | None = None
    page: int | None = None
    balances: str | None = None
    on: str = "2026-11-03"

    def xml(self) -> str:
        booked = [entry for entry in self.entries if isinstance(entry, Entry) and "PDNG" not in entry.status]
        closing = self.opening + sum(entry.amount for entry in booked) if self.closing is None else self.closing
        balances = balance("OPBD", self.opening, currency=self.currency, on=self.on) + balance(
            "CLBD", closing, currency=self.currency, on=self.on
        )
        return (
            f"<Stmt><Id>{self.id}</Id>{self._page()}{self._sequence()}<CreDtTm>{self.on}T22:00:00Z</CreDtTm>"
            f"<Acct><Id><IBAN>{self.account}</IBAN></Id><Ccy>{self.currency}</Ccy></Acct>"
            f"{balances if self.balances is None else self.balances}"
            f"{''.join(entry if isinstance(entry, str) else entry.xml() for entry in self.entries)}</Stmt>"
        )

    def _page(self) -> str:
        return f"<StmtPgntn><PgNb>{self.page}</PgNb><LastPgInd>false</LastPgInd></StmtPgntn>" if self.page else ""

    def _sequence(self) -> str:
        return f"<ElctrncSeqNb>{self.sequence}</ElctrncSeqNb>" if self.sequence is not None else ""


def camt(
    *statements: Stmt, version: str = "08", prolog: str = '<?xml version="1.0" encoding="UTF-8"?>\n', namespace: str | None = None
) -> bytes:
    name = f"urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}" if namespace is None else namespace
    header = f"<GrpHdr><MsgId>M{next(_serial)}</MsgId></GrpHdr>"
    inner = "\n".join(statement.xml() for statement in statements)
    return f'{prolog}<Document xmlns="{name}"><BkToCstmrStmt>{header}\n{inner}\n</BkToCstmrStmt></Document>'.encode()


def bank_file(*entries: Entry, **statement: object) -> bytes:
    """A statement of our account with these entries."""
    return camt(Stmt(entries=list(entries), **statement))  # type: ignore[arg-type]
