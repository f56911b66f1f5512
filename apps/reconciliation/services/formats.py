"""Which parser reads which kind of file."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from apps.reconciliation.domain import Item
from apps.reconciliation.parsers import settlement_csv


class Format(NamedTuple):
    name: str
    parse: Callable[[bytes], Iterator[Item]]


def _parse_camt053(data: bytes) -> Iterator[Item]:
    # Loaded by whoever reads a bank's file: a web process does without its XML library.
    from apps.reconciliation.parsers import camt053

    return camt053.parse(data)


FORMATS: Final = {
    "settlement": Format("settlement_csv", settlement_csv.parse),
    "bank": Format("camt.053", _parse_camt053),
}


def kind_of(data: bytes) -> str:
    """The kind that the first bytes look like: bank statements are XML, settlement reports are not."""
    return "bank" if data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<" else "settlement"
