"""How a month's movements become lines, sums and balances that must agree."""

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import accumulate, groupby

from apps.statements.domain.data import ASIDE, HELD, Account, DataSet, Day, Fee, Line, Movement, Row

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
