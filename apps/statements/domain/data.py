"""What a statement says, worked out from a month of the merchant's ledger movements.

Amounts are integers in the currency's minor unit, as the merchant sees them: money that comes to
the merchant is positive. The statement's balance is what Florin holds for the merchant and could
pay out sooner or later: the sum of `HELD`. Money that left that sum but has not arrived elsewhere
(`ASIDE`) is shown beside it.

The result, `DataSet`, is frozen: its canonical JSON is stored and hashed once, and the PDF and the
CSV are both made from it alone.
"""

from datetime import date
from hashlib import sha256

import msgspec

SCHEMA = "florin.statement.v1"
HELD = ("available", "pending", "reserve")
ASIDE = ("payouts_in_transit", "disputed")


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One ledger entry, reduced to one merchant's accounts: what it added to each (credits positive)
    and what it charged the merchant in fees. `postings` counts the merchant's postings in it."""

    entry: str
    booked_on: date
    kind: str
    source: str
    note: str = ""
    amounts: dict[str, int]
    fee: int = 0
    postings: int


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A movement that changed the balance: `gross - fee = net`, and `balance` is after it."""

    entry: str
    booked_on: date
    row: str
    kind: str
    source: str
    note: str
    gross: int
    fee: int
    net: int
    balance: int


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of one day added up; `balance` is the one at its end."""

    booked_on: date
    count: int
    gross: int
    fee: int
    net: int
    balance: int


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the bridge: `count` movements that add up to `amount`."""

    name: str
    count: int
    amount: int


class Fee(msgspec.Struct, frozen=True, kw_only=True):
    """Fees charged on one kind of movement: `amount` on `count` movements worth `basis`."""

    kind: str
    count: int
    basis: int
    amount: int


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One of the merchant's accounts over the month: opening + moved_in - moved_out = closing."""

    name: str
    opening: int
    moved_in: int
    moved_out: int
    closing: int


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """Who issues the statement, or whom it is for, as they were called on the day of issue."""

    id: str = ""
    name: str
    legal_name: str
    address: list[str]
    country: str = ""
    tax_id: str = ""


class Previous(msgspec.Struct, frozen=True, kw_only=True):
    """The statement of the month before."""

    number: str
    closing: int


class DataSet(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a statement says, apart from its own number and date of issue."""

    schema: str = SCHEMA
    issuer: Party
    merchant: Party
    livemode: bool
    currency: str
    exponent: int
    month: date
    last_day: date
    time_zone: str
    previous: Previous | None
    opening: int
    rows: list[Row]
    closing: int
    accounts: list[Account]
    fees: list[Fee]
    lines: list[Line]
    internal_movements: int
    postings: int


def canonical(data: DataSet) -> bytes:
    """The one JSON text of the data set: keys sorted, no spaces, UTF-8."""
    return msgspec.json.encode(data, order="sorted")


def restored(body: bytes | str) -> DataSet:
    """The data set whose canonical text is `body`."""
    return msgspec.json.decode(body, type=DataSet)


def digest(body: bytes) -> str:
    """SHA-256 in lower-case hex."""
    return sha256(body).hexdigest()
