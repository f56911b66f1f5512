"""What is made of a data set: a numbered document, an API object, a mail."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from apps.core import ids
from apps.core.money import to_major
from apps.statements.domain.rules import ROWS

MEDIA_TYPES = {"pdf": "application/pdf", "csv": "text/csv; charset=utf-8"}


class Cover(msgspec.Struct, frozen=True, kw_only=True):
    """What makes one issue of a data set a numbered document. `issued_at` is Unix seconds."""

    id: str
    number: str
    version: int
    issued_at: int
    data_sha256: str
    replaces: str = ""


def cover(row: Mapping[str, Any]) -> Cover:
    """The cover of a numbered statement, from a row of its table."""
    return Cover(
        id=ids.encode("stmt", row["id"]),
        number=row["number"],
        version=row["version"],
        issued_at=int(row["issued_at"].timestamp()),
        data_sha256=row["data_sha256"],
    )


def series(issued_on: date, *, livemode: bool) -> str:
    """The series from which a statement issued on this day takes its number."""
    return f"{issued_on:%Y}" if livemode else f"TEST-{issued_on:%Y}"


def statement_object(row: Mapping[str, Any]) -> dict[str, Any]:
    """A statement as the API shows it, from a row of its table."""
    id_ = ids.encode("stmt", row["id"])
    return {
        "id": id_,
        "object": "statement",
        "created": int(row["issued_at"].timestamp()),
        "currency": row["currency"],
        "data_sha256": row["data_sha256"],
        "files": {
            "csv": {"sha256": row["csv_sha256"], "url": f"/v1/statements/{id_}/csv"},
            "pdf": {"sha256": row["pdf_sha256"], "url": f"/v1/statements/{id_}/pdf"},
        },
        "livemode": row["livemode"],
        "month": row["month"].strftime("%Y-%m"),
        "number": row["number"],
        "opening_balance": row["opening"],
        "closing_balance": row["closing"],
        "status": row["status"],
        "superseded_by": ids.encode("stmt", row["superseded_by"]) if row["superseded_by"] else None,
        "totals": {name: row["totals"].get(name, 0) for name in ROWS},
        "transaction_count": row["lines"],
        "version": row["version"],
    }


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """The mail that brings a statement."""

    subject: str
    text: str


def message_id(row: Mapping[str, Any]) -> str:
    """What the mail for a statement is known by: the same however often it is sent."""
    return f"{ids.encode('stmt', row['id'])}.{row['version']}"


def letter(row: Mapping[str, Any], *, name: str, issuer: str) -> Letter:
    """The words of the mail for a statement; `name` is the merchant's, on one line."""
    month, currency = row["month"].strftime("%B %Y"), row["currency"].upper()
    test = "" if row["livemode"] else "TEST DATA: "
    return Letter(
        subject=f"{test}Statement {row['number']} for {month} ({currency})",
        text=_LETTER.format(
            test="This statement is about test data, not about real money.\n\n" if test else "",
            name=" ".join(name.split()),
            month=month,
            currency=currency,
            number=row["number"],
            opening=to_major(row["opening"], row["currency"]),
            closing=to_major(row["closing"], row["currency"]),
            lines=row["lines"],
            hash=row["data_sha256"],
            issuer=issuer,
        ),
    )


_LETTER = """\
{test}Dear {name},

your statement for {month} in {currency} is attached as PDF, and with every line as CSV.

    Statement number   {number}
    Opening balance    {opening} {currency}
    Closing balance    {closing} {currency}
    Transactions       {lines}

Please tell us within 30 days if anything is not right. The statement is also in the API, under /v1/statements.
SHA-256 of its data: {hash}

{issuer}
"""


def retry_pause(attempt: int) -> float | None:
    """Seconds until a piece of work that failed `attempt` times is tried again; None: never."""
    return {1: 2.0, 2: 10.0, 3: 60.0, 4: 300.0}.get(attempt)
