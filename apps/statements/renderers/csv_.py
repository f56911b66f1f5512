"""The statement as CSV: every line and the running balance, for machines of any country.

RFC 4180, UTF-8, ISO dates, a dot before the decimals, no thousands separators. The first row after
the header is the opening balance, the last one the closing balance.
"""

import csv
import io
from collections.abc import Iterator

from apps.statements.domain import Cover, DataSet, Line
from apps.statements.renderers.figures import cell, plain, visible

COLUMNS = (
    "statement", "account", "mode", "currency", "record", "date", "type", "description", "reference", "entry",
    "gross", "fee", "net", "balance",
)  # fmt: skip


def render(data: DataSet, cover: Cover) -> bytes:
    """The whole CSV file."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_rows(data, cover))
    return text.getvalue().encode()


def _rows(data: DataSet, cover: Cover) -> Iterator[list[str]]:
    common = [cover.number, data.merchant.id, "live" if data.livemode else "test", data.currency.upper()]
    yield [*common, "opening", data.month.isoformat(), *[""] * 7, plain(data.opening, data.exponent)]
    for line in data.lines:
        yield [*common, "line", *_line(line, data.exponent)]
    yield [*common, "closing", data.last_day.isoformat(), *[""] * 7, plain(data.closing, data.exponent)]


def _line(line: Line, exponent: int) -> list[str]:
    texts = [line.kind, line.note, line.source, line.entry]
    amounts = [line.gross, line.fee, line.net, line.balance]
    return [line.booked_on.isoformat(), *(cell(visible(text)) for text in texts), *(plain(amount, exponent) for amount in amounts)]
