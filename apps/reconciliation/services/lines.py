"""Copies the lines of one file into the database while they are parsed, and adds up what must add up."""

from collections import defaultdict
from datetime import date
from typing import Any, Final
from uuid import UUID

from apps.core.ids import new_id
from apps.reconciliation.domain import SourceLine, Statement, attempt_of, balances, check_line, check_total, identity

CHUNK: Final = 5000
_COPY: Final = """
COPY recon_source_line (id, file_id, file_date, statement_id, position, number, source_id, hop, kind, external_id, reference, batch,
    attempt_id, booked_on, value_on, currency, amount, fee, party, text, raw, identity) FROM STDIN
"""


class LineWriter:
    """Takes the lines of a file in order. `statement` opens one, `finish` ends the last; both may raise TotalsDiffer."""

    def __init__(self, cursor: Any, *, file_id: UUID, file_date: date, source: str, hop: str, today: date) -> None:
        self.cursor, self.file_id, self.file_date, self.source, self.hop, self.today = cursor, file_id, file_date, source, hop, today
        self.statement: Statement | None = None
        self.statement_id: UUID | None = None
        self.total = 0
        self.position = 0
        self.seen: defaultdict[UUID, int] = defaultdict(int)
        self.waiting: list[tuple[Any, ...]] = []

    def open_statement(self, statement: Statement, row_id: UUID) -> None:
        self.close_statement()
        self.statement, self.statement_id, self.total = statement, row_id, 0
        self.seen.clear()

    def close_statement(self) -> None:
        if self.statement is not None:
            check_total(self.statement, self.total)

    def add(self, line: SourceLine) -> None:
        check_line(line, self.statement, today=self.today)
        if line.kind != "pending":
            self.total += line.amount
        self.position += 1
        self.waiting.append(self._row(line))
        if len(self.waiting) == CHUNK:
            self._flush()

    def finish(self) -> None:
        self.close_statement()
        self._flush()

    def _row(self, line: SourceLine) -> tuple[Any, ...]:
        return (
            new_id(), self.file_id, self.file_date, self.statement_id, self.position, line.number, self.source, self.hop, line.kind,
            line.external_id, line.reference, line.batch, attempt_of(line.reference) if self.hop == "settlement" else None,
            line.booked_on, line.value_on, line.currency, line.amount, line.fee, line.party, line.text, line.raw,
            self._identity(line),
        )  # fmt: skip

    def _identity(self, line: SourceLine) -> UUID:
        """Of a bank's lines, equal ones within a statement are as many different lines: its balances prove it. A line
        without any reference is told from an equal one by what the account held after it."""
        if self.statement is None:
            return identity(self.source, "", line, 1)
        account = self.statement.account
        if not line.external_id and not line.reference:
            opening, _ = balances(self.statement)
            return identity(self.source, account, line, opening.amount + self.total)
        first = identity(self.source, account, line, 1)
        self.seen[first] += 1
        nth = self.seen[first]
        return first if nth == 1 else identity(self.source, account, line, nth)

    def _flush(self) -> None:
        with self.cursor.copy(_COPY) as copy:
            for row in self.waiting:
                copy.write_row(row)
        self.waiting.clear()
