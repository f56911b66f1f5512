"""Bank statements as ISO 20022 camt.053, read as a stream: one entry is held at a time.

What is read is the same in versions .001.01 to .001.13: the sign of an entry is its CdtDbtInd (RvslInd only says
that it undoes another), a status may stand alone or in a Cd, a party's name may stand in a Pty.
"""

import io
import re
from collections.abc import Iterator
from typing import Any, Final

from lxml import etree

from apps.reconciliation.domain import Item
from apps.reconciliation.errors import BadLine, UnreadableFile
from apps.reconciliation.parsers.camt_entry import EntryReader
from apps.reconciliation.parsers.camt_head import HeadReader
from apps.reconciliation.parsers.xml_guard import guarded

_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.(0[1-9]|1[0-3])")
_OTHER_MESSAGES: Final = {
    "BkToCstmrAcctRpt": "an interim report (camt.052), not a statement",
    "BkToCstmrDbtCdtNtfctn": "a debit and credit notification (camt.054), not a statement",
}
# No DTD, no entities, no network, and libxml2's own limits on depth and on the size of one text.
_SAFE: Final[dict[str, Any]] = {
    "resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False,
    "remove_comments": True, "remove_pis": True,
}  # fmt: skip


def parse(data: bytes) -> Iterator[Item]:
    """Each statement's head, then its entries. Raises FileRefused at the first thing that cannot be read."""
    body = guarded(data)
    try:
        yield from _items(body, _namespace(body))
    except etree.XMLSyntaxError as error:
        raise UnreadableFile(f"the XML is damaged: {_reason(error)}.", line=error.lineno or 1) from None


def _reason(error: etree.XMLSyntaxError) -> str:
    return str(error.msg or "it ends too early").split(", line ")[0][:200].rstrip(".")


def _namespace(data: bytes) -> str:
    """The document's namespace, '' where it has none. The root must be a Document around a statement message."""
    starts = etree.iterparse(io.BytesIO(data), events=("start",), **_SAFE)
    _, root = next(starts)
    name = etree.QName(root)
    if name.localname != "Document":
        raise UnreadableFile(f"the root is {name.localname[:80]!r}, not 'Document'.", line=root.sourceline)
    if name.namespace and not _NAMESPACE.fullmatch(name.namespace):
        raise UnreadableFile(f"namespace {name.namespace[:80]!r} is not one of camt.053.", line=root.sourceline)
    message = next((element for _, element in starts), None)
    inner = "" if message is None else etree.QName(message).localname[:80]
    if inner != "BkToCstmrStmt":
        raise UnreadableFile(f"this is {_OTHER_MESSAGES.get(inner, 'not a statement')}.", line=root.sourceline)
    return name.namespace or ""


def _items(data: bytes, namespace: str) -> Iterator[Item]:
    prefix = f"{{{namespace}}}" if namespace else ""
    tags = tuple(prefix + name for name in ("Stmt", "Bal", "Ntry"))
    events = etree.iterparse(io.BytesIO(data), events=("start", "end"), tag=tags, **_SAFE)
    position = 0
    for event, element in events:
        if event == "start" and element.tag == tags[0]:
            position += 1
            yield from _statement(events, element, prefix, position)
    if not position:
        raise UnreadableFile("the message holds no statement.", line=1)


def _statement(events: Any, stmt: Any, prefix: str, position: int) -> Iterator[Item]:
    """The head as soon as it is complete, then the entries, each dropped once it is read."""
    head = HeadReader(len(prefix), stmt, position)
    entries: EntryReader | None = None
    for event, element in events:
        if event == "start" or (element is not stmt and element.getparent() is not stmt):
            continue
        is_balance = element.tag.endswith("Bal")
        if is_balance and entries is None:
            head.add_balance(element)
            continue
        if is_balance:
            raise BadLine("a balance stands after the entries.", line=element.sourceline)
        if entries is None:
            statement = head.statement()
            entries = EntryReader(prefix, statement)
            yield statement
        if element is stmt:
            _drop(stmt)
            return
        yield entries.line(element)
        _drop(element)


def _drop(element: Any) -> None:
    """Frees `element` and everything before it under the same parent."""
    element.clear()
    parent = element.getparent()
    while element.getprevious() is not None:
        del parent[0]
