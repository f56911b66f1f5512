"""The books as other programs read them. Pure: rows in, lines of text out, one entry at a time."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from apps.ledger.renderers import beancount, csv_, hledger

Rows = Iterable[Mapping[str, Any]]

# format → render(accounts, entries), as `selectors.accounts` and `selectors.entries` give them.
FORMATS: dict[str, Callable[[Rows, Rows], Iterator[str]]] = {
    "hledger": hledger.render,
    "beancount": beancount.render,
    "csv": csv_.render,
}
