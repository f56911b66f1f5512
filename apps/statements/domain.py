"""What a statement says, worked out from a month of the merchant's ledger movements.

Amounts are integers in the currency's minor unit, as the merchant sees them: money that comes to
the merchant is positive. The statement's balance is what Florin holds for the merchant and could
pay out sooner or later: the sum of `HELD`. Money that left that sum but has not arrived elsewhere
(`ASIDE`) is shown beside it.

The result, `DataSet`, is frozen: its canonical JSON is stored and hashed once, and the PDF and the
CSV are both made from it alone.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from hashlib import sha256
from itertools import accumulate, groupby
from typing import Any

import msgspec

from apps.core import ids

SCHEMA = "florin.statement.v1"
HELD = ("available", "pending", "reserve")
ASIDE = ("payouts_in_transit", "disputed")

# Rows of the balance bridge, in the order in which they are printed.
ROWS = (
    "payments", "refunds", "disputes", "dispute_reversals", "fees",
    "transfers_in", "transfers_out", "conversions", "adjustments", "payouts",
)  # fmt: skip

# What an entry of this kind is to the merchant. A kind is looked up whole, then by its first word.
_ROW_OF_KIND = {
    "capture": "payments",
    "charge": "payments",
    "payment": "payments",
    "refund": "refunds",
    "dispute": "disputes",
    "dispute_won": "dispute_reversals",
    "dispute_reversal": "dispute_reversals",
    "fee": "fees",
    "conversion": "conversions",
    "fx": "conversions",
    "payout": "payouts",
}


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


class Cover(msgspec.Struct, frozen=True, kw_only=True):
    """What makes one issue of a data set a numbered document. `issued_at` is Unix seconds."""

    id: str
    number: str
    version: int
    issued_at: int
    data_sha256: str
    replaces: str = ""


class Unbalanced(ValueError):
    """The figures of a statement do not add up; it must not be issued."""


def row_of(kind: str, net: int) -> str:
    """The bridge row for an entry of this kind; what is not known is an adjustment."""
    if kind.startswith("transfer"):
        return "transfers_in" if net >= 0 else "transfers_out"
    return _ROW_OF_KIND.get(kind) or _ROW_OF_KIND.get(kind.split("_", 1)[0], "adjustments")


def held(amounts: Mapping[str, int]) -> int:
    """The part of `amounts` that counts as the merchant's balance."""
    return sum(amounts.get(name, 0) for name in HELD)


def lines(movements: Iterable[Movement], opening: int) -> list[Line]:
    """The movements that changed the balance, in the order given, each with the balance after it."""
    changing = [(movement, held(movement.amounts)) for movement in movements]
    changing = [(movement, net) for movement, net in changing if net or movement.fee]
    balances = accumulate((net for _, net in changing), initial=opening)
    next(balances)
    return [_line(movement, net, balance) for (movement, net), balance in zip(changing, balances, strict=True)]


def _line(movement: Movement, net: int, balance: int) -> Line:
    row = row_of(movement.kind, net)
    # A fee entry of its own is all fee: nothing was sold.
    fee = -net if row == "fees" else movement.fee
    return Line(
        entry=movement.entry,
        booked_on=movement.booked_on,
        row=row,
        kind=movement.kind,
        source=movement.source,
        note=movement.note,
        gross=net + fee,
        fee=fee,
        net=net,
        balance=balance,
    )


def days(of: Iterable[Line]) -> list[Day]:
    """The lines added up by day, in the order given."""
    return [_day(booked_on, list(group)) for booked_on, group in groupby(of, key=lambda line: line.booked_on)]


def _day(booked_on: date, of: list[Line]) -> Day:
    gross, fee, net = (sum(getattr(line, name) for line in of) for name in ("gross", "fee", "net"))
    return Day(booked_on=booked_on, count=len(of), gross=gross, fee=fee, net=net, balance=of[-1].balance)


def bridge(of: list[Line]) -> list[Row]:
    """How the lines lead from opening to closing: gross by row, and all fees in one row."""
    counts = dict.fromkeys(ROWS, 0)
    amounts = dict.fromkeys(ROWS, 0)
    for line in of:
        if line.row != "fees":
            counts[line.row] += 1
            amounts[line.row] += line.gross
        counts["fees"] += line.fee != 0
        amounts["fees"] -= line.fee
    return [Row(name=name, count=counts[name], amount=amounts[name]) for name in ROWS]


def fees(of: list[Line]) -> list[Fee]:
    """Fees by kind of movement, the dearest first."""
    sums: dict[str, list[int]] = {}
    for line in of:
        if line.fee:
            total = sums.setdefault(line.kind, [0, 0, 0])
            total[0] += 1
            total[1] += line.gross
            total[2] += line.fee
    found = [Fee(kind=kind, count=count, basis=basis, amount=amount) for kind, (count, basis, amount) in sums.items()]
    return sorted(found, key=lambda fee: (-fee.amount, fee.kind))


def accounts(movements: list[Movement], opening: Mapping[str, int]) -> list[Account]:
    """Each account's way through the month. `opening` holds the balances before its first day."""
    moved_in = dict.fromkeys(HELD + ASIDE, 0)
    moved_out = dict.fromkeys(HELD + ASIDE, 0)
    for movement in movements:
        for name, amount in movement.amounts.items():
            side = moved_in if amount > 0 else moved_out
            side[name] += abs(amount)
    return [_account(name, opening.get(name, 0), moved_in[name], moved_out[name]) for name in HELD + ASIDE]


def _account(name: str, opening: int, moved_in: int, moved_out: int) -> Account:
    return Account(name=name, opening=opening, moved_in=moved_in, moved_out=moved_out, closing=opening + moved_in - moved_out)


def verify(data: DataSet) -> None:
    """Raises Unbalanced unless the lines, the bridge, the accounts and the previous statement agree."""
    by_lines = data.opening + sum(line.net for line in data.lines)
    by_rows = data.opening + sum(row.amount for row in data.rows)
    by_accounts = sum(account.closing for account in data.accounts if account.name in HELD)
    if not by_lines == by_rows == by_accounts == data.closing:
        raise Unbalanced(f"lines {by_lines}, bridge {by_rows}, accounts {by_accounts}, ledger {data.closing}")
    if data.previous and data.previous.closing != data.opening:
        raise Unbalanced(f"opens with {data.opening} but {data.previous.number} closed with {data.previous.closing}")


def canonical(data: DataSet) -> bytes:
    """The one JSON text of the data set: keys sorted, no spaces, UTF-8."""
    return msgspec.json.encode(data, order="sorted")


def restored(body: bytes | str) -> DataSet:
    """The data set whose canonical text is `body`."""
    return msgspec.json.decode(body, type=DataSet)


def digest(body: bytes) -> str:
    """SHA-256 in lower-case hex."""
    return sha256(body).hexdigest()


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
        "totals": row["totals"],
        "transaction_count": row["lines"],
        "version": row["version"],
    }


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


def retry_pause(attempt: int) -> float | None:
    """Seconds until a piece of work that failed `attempt` times is tried again; None: never."""
    return {1: 5.0, 2: 60.0, 3: 600.0, 4: 3600.0}.get(attempt)
