"""What a bank or settlement line is. Amounts are signed minor units everywhere."""

from datetime import date
from typing import Final, Literal, NamedTuple
from uuid import UUID

import msgspec

BREAK_TYPES: Final = {
    "missing_in_ledger": "missing in the ledger",
    "missing_in_file": "missing in a settlement file",
    "amount_differs": "amount differs",
    "duplicate": "duplicate",
    "payout_without_bank_line": "payout without a bank line",
    "bank_line_without_payout": "bank line without a payout",
    "statement_gap": "gap between bank statements",
    "posting_refused": "the ledger refused the posting",
}
SUBJECTS: Final = ("line", "movement", "payout", "statement")


class SourceLine(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One line as its sender wrote it. Amounts are signed minor units: `amount` is the gross of a settlement
    line and what moved on the account of a bank line; `number` is the line of the file, from 1."""

    number: int
    raw: str
    kind: str
    currency: str
    amount: int
    booked_on: date
    fee: int = 0
    external_id: str = ""
    reference: str = ""
    batch: str = ""
    value_on: date | None = None
    party: str = ""
    text: str = ""
    statement: int = 0

    @property
    def net(self) -> int:
        return self.amount - self.fee


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a settlement report; comes before its lines. `source` is the code of its sender."""

    source: str


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """What an account held, in signed minor units; `line` is where the file says so."""

    line: int
    amount: int
    currency: str
    on: date | None


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """The head of one account statement in a file; comes before its lines. `position` counts statements from 1."""

    line: int
    position: int
    account: str
    statement_id: str
    page: int
    sequence: int | None
    currency: str
    opening: Balance | None
    closing: Balance | None
    starts_on: date
    ends_on: date


Item = Report | SourceLine | Statement


class ImportedFile(NamedTuple):
    """What became of a file. `status` is imported, repeated (it was imported before) or quarantined."""

    file_id: UUID
    name: str
    status: Literal["imported", "repeated", "quarantined"]
    lines: int = 0
    duplicates: int = 0
    error: str = ""


class RemoteFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a sender offers. `kind` is settlement or bank; `sha256` in hexadecimal."""

    kind: str = ""
    name: str
    size: int
    sha256: str
    date: date


class Matched(NamedTuple):
    """What a run of the stages did: open lines looked at, groups made and taken back, breaks opened or changed."""

    looked: int = 0
    groups: int = 0
    reversed: int = 0
    breaks: int = 0

    def plus(self, other: "Matched") -> "Matched":
        return Matched(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))
