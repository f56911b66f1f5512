"""Which parser reads which kind of file."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from apps.reconciliation.domain import Item
from apps.reconciliation.parsers import camt053, settlement_csv


class Format(NamedTuple):
    name: str
    parse: Callable[[bytes], Iterator[Item]]


FORMATS: Final = {
    "settlement": Format("settlement_csv", settlement_csv.parse),
    "bank": Format("camt.053", camt053.parse),
}


def kind_of(data: bytes) -> str:
    """The kind that the first bytes look like: bank statements are XML, settlement reports are not."""
    return "bank" if data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<" else "settlement"
