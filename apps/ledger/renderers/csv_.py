"""One line per posting as CSV (RFC 4180): dates in ISO 8601, a point in decimals, no thousands
separators. Text that a spreadsheet would take for a formula begins with an apostrophe."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from apps.core.ids import encode
from apps.core.money import to_major

COLUMNS = ("entry", "date", "recorded_at", "mode", "kind", "source", "account", "currency", "debit", "credit", "metadata")


def render(accounts: Iterable[Mapping[str, Any]], entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The header, then the lines of every entry. Accounts need no declaration here."""
    yield line(COLUMNS)
    for entry in entries:
        for posting in entry["postings"]:
            yield line(_cells(entry, posting))


def line(cells: Iterable[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([_harmless(cell) if isinstance(cell, str) else cell for cell in cells])
    return buffer.getvalue()


def _cells(entry: Mapping[str, Any], posting: Mapping[str, Any]) -> list[Any]:
    amount = to_major(abs(posting["amount"]), posting["currency"])
    debit, credit = (amount, "") if posting["amount"] > 0 else ("", amount)
    head = [encode("ent", entry["id"]), entry["booked_on"].isoformat(), entry["recorded_at"].isoformat()]
    mode = "live" if entry["livemode"] else "test"
    metadata = orjson.dumps(entry["metadata"]).decode() if entry["metadata"] else ""
    return [*head, mode, entry["kind"], entry["source"], posting["code"], posting["currency"].upper(), debit, credit, metadata]


def _harmless(text: str) -> str:
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
