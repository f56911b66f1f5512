"""The trial balance as a table for people."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from apps.core.money import exponent, to_major

_HEAD = ("Account", "Kind", "Debit", "Credit", "Balance")


def render(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A table per mode and currency, of rows as `selectors.trial_balance` gives them, totals last."""
    for (livemode, currency), group in groupby(rows, key=lambda row: (row["livemode"], row["currency"])):
        lines = list(group)
        cells = [_cells(line, currency) for line in lines]
        cells.append(_cells({"name": "Total", "kind": ""} | totals(lines), currency))
        yield f"{currency.upper()}, {'live' if livemode else 'test'}"
        yield from _table(cells)
        yield ""


def totals(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Sums over rows of one mode and currency: debit equals credit and the balance is zero, or the
    books do not balance."""
    return {column: sum(row[column] for row in rows) for column in ("debit", "credit", "balance")}


def unbalanced(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The modes and currencies whose totals are off, for example `live eur`."""
    found = []
    for (livemode, currency), group in groupby(rows, key=lambda row: (row["livemode"], row["currency"])):
        sums = totals(list(group))
        if sums["debit"] != sums["credit"] or sums["balance"]:
            found.append(f"{'live' if livemode else 'test'} {currency}")
    return found


def _cells(row: Mapping[str, Any], currency: str) -> tuple[str, ...]:
    digits = exponent(currency)
    return (row["name"], row["kind"], *(f"{to_major(row[column], currency):,.{digits}f}" for column in ("debit", "credit", "balance")))


def _table(cells: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in [_HEAD, *cells]) for column in range(len(_HEAD))]
    rule = "  ".join("-" * width for width in widths)
    yield _aligned(_HEAD, widths)
    yield rule
    for row in cells[:-1]:
        yield _aligned(row, widths)
    yield rule
    yield _aligned(cells[-1], widths)


def _aligned(row: tuple[str, ...], widths: list[int]) -> str:
    texts = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
    numbers = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
    return "  ".join(texts + numbers).rstrip()
