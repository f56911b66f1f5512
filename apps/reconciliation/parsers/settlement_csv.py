"""Settlement reports as CSV. A layout says which header a sender pins and which column feeds which field;
a header that is not exactly the layout's is refused, because a moved column is a wrong amount."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from apps.reconciliation.domain import Item, Report, SourceLine, currency_code, minor_units, shown
from apps.reconciliation.errors import BadLine, UnreadableFile
from apps.reconciliation.parsers.text import line_at, without_bom

_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})")
_LONGEST_LINE: Final = 16_384


@dataclass(frozen=True, slots=True)
class Layout:
    """`columns` is field → column name; `kinds` is the sender's type → (our kind, sign its gross must have)."""

    source: str
    header: tuple[str, ...]
    columns: Mapping[str, str]
    kinds: Mapping[str, tuple[str, int]]
    delimiter: str = ","

    def positions(self) -> dict[str, int]:
        return {field: self.header.index(column) for field, column in self.columns.items()}


SANDBOX: Final = Layout(
    source="sandbox",
    header=("payout_id", "line_id", "type", "reference", "authorization", "captured_at", "currency", "gross", "fee", "net"),
    columns={
        "batch": "payout_id", "external_id": "line_id", "kind": "type", "reference": "reference",
        "authorization": "authorization", "moment": "captured_at", "currency": "currency",
        "gross": "gross", "fee": "fee", "net": "net",
    },
    kinds={"capture": ("capture", 1), "refund": ("refund", -1)},
)  # fmt: skip
LAYOUTS: Final = (SANDBOX,)


def parse(data: bytes) -> Iterator[Item]:
    """The report's head, then its lines in order. Raises FileRefused at the first thing that is not as the layout says."""
    body = without_bom(data)
    if (at := body.find(b"\x00")) >= 0:
        raise UnreadableFile("a NUL byte: this is not a CSV file.", line=line_at(body, at))
    try:
        yield from _items(_Lines(body))
    except UnicodeDecodeError:
        raise UnreadableFile("the text is not UTF-8.", line=line_at(body, _first_bad_byte(body))) from None


def _first_bad_byte(body: bytes) -> int:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return 0


def _items(lines: "_Lines") -> Iterator[Item]:
    layout = _layout(lines.header())
    read = _Reader(layout)
    yield Report(source=layout.source)
    for cells in lines:
        yield read.line(cells, lines.number, lines.raw)
    if lines.number == 1:
        raise UnreadableFile("the file has a header and no lines.", line=1)


class _Lines:
    """Iterates over the cells of each line; `number` and `raw` are of the line last given."""

    def __init__(self, body: bytes) -> None:
        # Decoded as it is read. Universal newlines: CR, LF and CRLF all end a line, also mixed.
        self._text = io.TextIOWrapper(io.BytesIO(body), encoding="utf-8", newline=None)
        self.number = 0
        self.raw = ""

    def header(self) -> str:
        self.number = 1
        return self._text.readline(_LONGEST_LINE).removesuffix("\n")

    def __iter__(self) -> Iterator[list[str]]:
        while raw := self._text.readline(_LONGEST_LINE):
            self.number += 1
            self.raw = raw.removesuffix("\n")
            if len(raw) == _LONGEST_LINE and not raw.endswith("\n"):
                raise BadLine(f"it has more than {_LONGEST_LINE} characters.", line=self.number)
            yield self._cells()

    def _cells(self) -> list[str]:
        # No cell of a layout may hold a quote or a newline, so that a quote never closed stays on its line.
        if '"' in self.raw:
            try:
                return next(csv.reader([self.raw], strict=True))
            except csv.Error:
                raise BadLine("a quote is not closed on the line.", line=self.number) from None
        return self.raw.split(",")


def _layout(header: str) -> Layout:
    for layout in LAYOUTS:
        if tuple(header.split(layout.delimiter)) == layout.header:
            return layout
    raise UnreadableFile(f"the header {shown(header, 80)} is of no layout that is read; {_difference(header)}.", line=1)


def _difference(header: str) -> str:
    """How the header departs from the likeliest layout."""
    cells, wanted = header.split(","), LAYOUTS[0].header
    if len(cells) == 1 and ";" in header:
        return "its columns are separated by ';' and not by ','"
    if not set(cells) & set(wanted):
        return "none of its columns is known"
    if doubled := sorted({cell for cell in cells if cells.count(cell) > 1}):
        return f"column {shown(doubled[0])} comes twice"
    if missing := [column for column in wanted if column not in cells]:
        return f"column {shown(missing[0])} is missing"
    if extra := [cell for cell in cells if cell not in wanted]:
        return f"column {shown(extra[0])} is not known"
    return "its columns are in another order"


class _Reader:
    """Turns the cells of one layout into lines."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.width = len(layout.header)
        self.at = layout.positions()
        self.payouts: dict[str, str] = {}

    def line(self, cells: list[str], number: int, raw: str) -> SourceLine:
        if len(cells) != self.width:
            raise BadLine(f"it has {len(cells)} columns where the header has {self.width}.", line=number)
        at = self.at
        kind, sign = self._kind(cells[at["kind"]], number)
        currency = currency_code(cells[at["currency"]], line=number)
        gross, fee = self._amounts(cells, currency, sign, number)
        return SourceLine(
            number=number,
            raw=raw,
            kind=kind,
            currency=currency,
            amount=gross,
            fee=fee,
            booked_on=_day(cells[at["moment"]], number),
            external_id=_token(cells[at["external_id"]], "line id", number),
            reference=_token(cells[at["reference"]], "reference", number),
            batch=self._payout(cells[at["batch"]], currency, number),
            text=_token(cells[at["authorization"]], "authorization", number),
        )

    def _kind(self, text: str, number: int) -> tuple[str, int]:
        found = self.layout.kinds.get(text)
        if found is None:
            raise BadLine(f"type {shown(text)} is not known.", line=number)
        return found

    def _amounts(self, cells: list[str], currency: str, sign: int, number: int) -> tuple[int, int]:
        gross = minor_units(cells[self.at["gross"]], currency, line=number, exact=True)
        fee = minor_units(cells[self.at["fee"]], currency, line=number, exact=True)
        net = minor_units(cells[self.at["net"]], currency, line=number, exact=True)
        if gross * sign <= 0:
            raise BadLine(f"a gross of {cells[self.at['gross']]} has the wrong sign for its type.", line=number)
        if gross - fee != net:
            raise BadLine(f"gross {gross} less fee {fee} is {gross - fee}, but net is {net} (minor units).", line=number)
        return gross, fee

    def _payout(self, text: str, currency: str, number: int) -> str:
        if text not in self.payouts:
            self.payouts[_token(text, "payout id", number)] = currency
        if self.payouts[text] != currency:
            raise BadLine(f"payout {text} mixes {self.payouts[text].upper()} and {currency.upper()}.", line=number)
        return text


def _token(text: str, what: str, number: int) -> str:
    if _TOKEN.fullmatch(text) is None:
        raise BadLine(f"{shown(text)} is not a {what}.", line=number)
    return text


def _day(text: str, number: int) -> date:
    """The UTC day of an ISO 8601 moment with its zone."""
    if _MOMENT.fullmatch(text) is not None:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            return moment.date() if text.endswith("Z") else moment.astimezone(UTC).date()
    raise BadLine(f"{shown(text)} is not a moment (YYYY-MM-DDThh:mm:ssZ).", line=number)
