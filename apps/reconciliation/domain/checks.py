"""What must hold of a file before any of it counts."""

from datetime import date, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from apps.reconciliation.domain.reading import shown
from apps.reconciliation.domain.types import Balance, SourceLine, Statement
from apps.reconciliation.errors import BadLine, TotalsDiffer

MAX_FILE_BYTES: Final = 50 * 1024 * 1024
# A line dated later than this after the business date is not believed: one day for banks in zones ahead of ours.
FUTURE_DAYS: Final = 1
LONGEST_REFERENCE: Final = 200


def balances(statement: Statement) -> tuple[Balance, Balance]:
    """What the account held before and after: both are there and in the account's currency."""
    return _balance(statement, "opening", statement.opening), _balance(statement, "closing", statement.closing)


def _balance(statement: Statement, what: str, balance: Balance | None) -> Balance:
    if balance is None:
        raise TotalsDiffer(f"statement {shown(statement.statement_id)} has no {what} balance.", line=statement.line)
    if balance.currency != statement.currency:
        ours = statement.currency.upper()
        raise TotalsDiffer(f"the {what} balance is in {balance.currency.upper()} on an account in {ours}.", line=balance.line)
    return balance


def check_line(line: SourceLine, statement: Statement | None, *, today: date) -> None:
    """The line is of its statement's currency, can be stored, and is not from the future."""
    if statement is not None and line.currency != statement.currency:
        raise BadLine(f"an entry in {line.currency.upper()} on an account in {statement.currency.upper()}.", line=line.number)
    if len(line.reference) > LONGEST_REFERENCE or len(line.external_id) > LONGEST_REFERENCE:
        raise BadLine(f"a reference of more than {LONGEST_REFERENCE} characters.", line=line.number)
    if line.booked_on > today + timedelta(days=FUTURE_DAYS):
        raise BadLine(f"it is dated {line.booked_on}, after today ({today}).", line=line.number)


def check_total(statement: Statement, total: int) -> None:
    """Opening balance and booked lines (`total`, minor units) give the closing balance."""
    opening, closing = balances(statement)
    if opening.amount + total != closing.amount:
        raise TotalsDiffer(
            f"statement {shown(statement.statement_id)} opens with {opening.amount} and its entries make {total}, so it must "
            f"close with {opening.amount + total}; it says {closing.amount} (minor units of {statement.currency.upper()}).",
            line=closing.line,
        )


def identity(source: str, account: str, line: SourceLine, nth: int) -> UUID:
    """Equal for the same line in whatever file it comes. `nth` tells equal lines of a bank apart: which of them it is,
    or what the account held after it (minor units)."""
    parts = (
        source, account, line.external_id, line.kind, line.batch, line.reference, line.booked_on.isoformat(),
        line.currency, str(line.amount), str(line.fee), line.party, line.text, str(nth),
    )  # fmt: skip
    return UUID(bytes=sha256("\x1f".join(parts).encode()).digest()[:16])
