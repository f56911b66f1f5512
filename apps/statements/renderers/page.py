"""What is printed where: the data set as the strings that the template lays out.

The template does no arithmetic and reads no markup from its data; everything that depends on the
language or the currency is decided here.
"""

from datetime import UTC, datetime
from typing import Any

from apps.statements.domain import HELD, Account, Cover, DataSet, Day, Fee, Line, Party, Row, days
from apps.statements.renderers import words
from apps.statements.renderers.figures import breakable, grouped, rate, shortened, visible
from apps.statements.renderers.fonts import printable

View = dict[str, Any]

# Above this many transactions the PDF prints one row a day; the CSV always has them all.
DETAIL_LINES = 5_000


def view(data: DataSet, cover: Cover) -> View:
    """The template's input."""
    return {
        "title": f"Statement {cover.number}",
        "month": words.month(data.month),
        "test": not data.livemode,
        "code": data.currency.upper(),
        "issuer": _party(data.issuer),
        "merchant": _party(data.merchant),
        "facts": _facts(data, cover),
        "headline": _headline(data),
        "bridge": [_bridge_row(row, data.exponent) for row in data.rows if row.count or row.name in words.ALWAYS],
        "opening": [f"Opening balance on {words.day(data.month)}", _money(data.opening, data)],
        "closing": [f"Closing balance on {words.day(data.last_day)}", _money(data.closing, data)],
        "held": [_account(account, data.exponent) for account in data.accounts if account.name in HELD],
        "aside": [_account(account, data.exponent) for account in data.accounts if account.name not in HELD and _used(account)],
        "checks": _checks(data),
        "fees": [_fee(fee, data.exponent) for fee in data.fees],
        "fees_total": _money(sum(fee.amount for fee in data.fees), data),
        "lines": _lines(data),
        "widths": _widths(data),
        "totals": _totals(data),
        "number": cover.number,
        "hash": cover.data_sha256,
        "remarks": _remarks(data),
        "time_zone": data.time_zone,
    }


def _text(text: str) -> str:
    return breakable(printable(visible(text)))


def _money(minor: int, data: DataSet) -> str:
    return grouped(minor, data.exponent)


def _party(party: Party) -> View:
    return {
        "id": party.id,
        "name": _text(party.legal_name or party.name),
        "short": _text(shortened(party.legal_name or party.name, 60)),
        "trading": _text(party.name) if party.name != party.legal_name else "",
        "address": [_text(line) for line in party.address],
        "tax": _text(party.tax_id),
    }


def _facts(data: DataSet, cover: Cover) -> list[list[str]]:
    issued = datetime.fromtimestamp(cover.issued_at, UTC)
    facts = [
        ["Statement number", cover.number],
        ["Period", words.period(data.month, data.last_day)],
        ["Cut-off", f"{words.day(data.last_day)}, 24:00 {data.time_zone}"],
        ["Issued", words.instant(issued)],
        ["Currency", words.currency(data.currency)],
        ["Version", f"{cover.version}" + (f", replaces {cover.replaces}" if cover.replaces else "")],
        ["Account", data.merchant.id],
    ]
    return facts + ([["Tax number", _text(data.merchant.tax_id)]] if data.merchant.tax_id else [])


def _headline(data: DataSet) -> list[list[str]]:
    came_in = sum(line.net for line in data.lines if line.net > 0)
    went_out = sum(line.net for line in data.lines if line.net < 0)
    return [
        ["Opening balance", _money(data.opening, data)],
        ["Money in", _money(came_in, data)],
        ["Money out", _money(went_out, data)],
        ["Closing balance", _money(data.closing, data)],
    ]


def _bridge_row(row: Row, exponent: int) -> list[str]:
    return [words.ROWS[row.name], f"{row.count:,}", grouped(row.amount, exponent)]


def _used(account: Account) -> bool:
    return bool(account.opening or account.closing or account.moved_in)


def _account(account: Account, exponent: int) -> list[str]:
    return [words.ACCOUNTS[account.name], grouped(account.opening, exponent), grouped(account.closing, exponent)]


def _checks(data: DataSet) -> list[list[str]]:
    """Each printed check is a figure, what it must equal, and that figure; `verify` has compared them."""
    by_lines = _money(data.opening + sum(line.net for line in data.lines), data)
    by_rows = _money(data.opening + sum(row.amount for row in data.rows), data)
    split = _money(sum(account.closing for account in data.accounts if account.name in HELD), data)
    closing, opening = _money(data.closing, data), _money(data.opening, data)
    found = [
        [f"Opening balance and the transactions below ({len(data.lines):,})", by_lines, "closing balance", closing],
        ["Opening balance and the summary by type", by_rows, "closing balance", closing],
        ["Available, pending and reserve together", split, "closing balance", closing],
    ]
    if data.previous is None:
        return [*found, ["Opening balance of your first statement", opening, "ledger balance before the period", opening]]
    return [*found, ["Opening balance", opening, f"closing balance of {data.previous.number}", _money(data.previous.closing, data)]]


def _fee(fee: Fee, exponent: int) -> list[str]:
    # A fixed fee on money that went out is no percentage of anything.
    basis, average = (grouped(fee.basis, exponent), rate(fee.amount, fee.basis)) if fee.basis > 0 else ("", "")
    return [words.kind(fee.kind), f"{fee.count:,}", basis, average, grouped(fee.amount, exponent)]


def _lines(data: DataSet) -> list[list[str]]:
    if len(data.lines) > DETAIL_LINES:
        return [_day(day, data.exponent) for day in days(data.lines)]
    return [_line(line, data.exponent) for line in data.lines]


def _line(line: Line, exponent: int) -> list[str]:
    description = words.kind(line.kind) + (f" · {_text(line.note)}" if line.note else "")
    return [words.short_day(line.booked_on), description, _text(line.source), *_amounts(line, exponent)]


def _day(day: Day, exponent: int) -> list[str]:
    return [words.short_day(day.booked_on), f"{day.count:,} transactions", "", *_amounts(day, exponent)]


def _amounts(of: Line | Day, exponent: int) -> list[str]:
    fee = grouped(of.fee, exponent) if of.fee else ""
    return [grouped(of.gross, exponent), fee, grouped(of.net, exponent), grouped(of.balance, exponent)]


def _totals(data: DataSet) -> list[str]:
    sums = [sum(line.gross for line in data.lines), sum(line.fee for line in data.lines), sum(line.net for line in data.lines)]
    return [_money(total, data) for total in sums]


def _widths(data: DataSet) -> list[int]:
    """The longest text, in characters, of the gross, fee, net and balance columns."""
    columns = (
        _column(data, "gross"), _column(data, "fee"), _column(data, "net"), [*(line.balance for line in data.lines), data.opening],
    )  # fmt: skip
    return [max(7, *(len(_money(value, data)) for value in (min(column), max(column)))) for column in columns]


def _column(data: DataSet, name: str) -> list[int]:
    amounts = [getattr(line, name) for line in data.lines]
    return [*amounts, sum(amounts)]


def _remarks(data: DataSet) -> list[str]:
    found = []
    if len(data.lines) > DETAIL_LINES:
        found.append(f"This account has {len(data.lines):,} transactions in the month: one row a day here, each of them in the CSV file.")
    count = data.internal_movements
    if count:
        entries = "1 entry" if count == 1 else f"{count:,} entries"
        found.append(
            f"{entries} moved money between your own balances, for example from pending to available, and left their sum as it was."
        )
    return found
