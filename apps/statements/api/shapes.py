"""Statements in the API: what requests may hold and what answers look like."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from msgspec import Meta

from apps.core.api.types import Currency, ListParams, ObjectShape, Timestamp
from apps.core.errors import InvalidRequest
from apps.statements.domain import statement_object

MONTH = re.compile(r"^(2[01]\d\d)-(0[1-9]|1[0-2])\Z")
Month = Annotated[str, Meta(max_length=7, description="A month as YYYY-MM.", examples=["2026-10"])]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z", description="SHA-256 in hex.")]


class ListStatements(ListParams):
    """Statements of the key's account and mode, newest first."""

    month: Month | None = None
    currency: Currency | None = None


class File(ObjectShape):
    """A file of the statement; its SHA-256 is also its ETag."""

    sha256: Sha256
    url: str


class Files(ObjectShape):
    """The statement as CSV and as PDF."""

    csv: File
    pdf: File


class Statement(ObjectShape):
    """A month of the account in one currency. Amounts are in the currency's minor unit."""

    id: str
    object: Literal["statement"]
    created: Timestamp
    currency: Currency
    data_sha256: Annotated[str, Meta(description="SHA-256 of the data set that is attached to the PDF.")]
    files: Files
    livemode: bool
    month: Month
    number: str
    opening_balance: int
    closing_balance: int
    status: Literal["issued", "superseded"]
    superseded_by: str | None
    totals: Annotated[dict[str, int], Meta(description="Sums by kind of movement; with the opening balance they make the closing balance.")]
    transaction_count: int
    version: int


def render_statement(row: Mapping[str, Any]) -> dict[str, Any]:
    """The API object for a row of the statements' table."""
    return statement_object(row)


def first_day(month: str | None) -> date | None:
    """The first day of a month given as YYYY-MM.  Raises: InvalidRequest."""
    if month is None:
        return None
    found = MONTH.match(month)
    if found is None:
        raise InvalidRequest(param="month", reason="it must be a month as YYYY-MM.")
    return date(int(found[1]), int(found[2]), 1)
