"""Refuses XML that could make a parser read files, open sockets or grow, before any parser sees it."""

import re
from codecs import BOM_UTF8
from typing import Final

from apps.reconciliation.errors import UnreadableFile
from apps.reconciliation.parsers.text import line_at, without_bom

_DECLARATION = re.compile(rb"<\?xml\s[^>]*?\?>")
_ENCODING = re.compile(rb"""\sencoding\s*=\s*["']([^"']*)["']""")
# Encodings in which ASCII bytes mean ASCII: what makes a scan of the bytes sound.
_SINGLE_BYTE: Final = frozenset({"iso-8859-1", "iso-8859-15", "windows-1252"})
_ACCEPTED: Final = _SINGLE_BYTE | {"utf-8", "us-ascii"}


def guarded(data: bytes) -> bytes:
    """`data`, safe to parse: an accepted encoding that is not a lie, no DOCTYPE, no processing instruction."""
    body = without_bom(data)
    declaration = _DECLARATION.match(body)
    start = declaration.end() if declaration else 0
    _check_encoding(body, declaration.group() if declaration else b"", has_bom=data.startswith(BOM_UTF8))
    _check_prolog(body, start)
    _check_body(body, start)
    return body


def _check_encoding(body: bytes, declaration: bytes, *, has_bom: bool) -> None:
    found = _ENCODING.search(declaration)
    name = found.group(1).decode("ascii", "replace").lower() if found else "utf-8"
    if name not in _ACCEPTED:
        raise UnreadableFile(f"encoding {name!r} is not read; send UTF-8.", line=1)
    if name in _SINGLE_BYTE and (has_bom or _is_really_utf8(body)):
        raise UnreadableFile(f"the file declares {name} but is UTF-8.", line=1)


def _is_really_utf8(body: bytes) -> bool:
    if body.isascii():
        return False
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _check_prolog(body: bytes, at: int) -> None:
    """Only white space and comments stand before the root element."""
    while True:
        while body[at : at + 1] in (b" ", b"\t", b"\r", b"\n"):
            at += 1
        if not body.startswith(b"<!--", at):
            break
        end = body.find(b"-->", at)
        if end < 0:
            raise UnreadableFile("a comment is never closed.", line=line_at(body, at))
        at = end + 3
    if body[at : at + 2] == b"<!":
        raise UnreadableFile("a DOCTYPE is not accepted.", line=line_at(body, at))
    if body[at : at + 1] != b"<":
        raise UnreadableFile("this is not XML.", line=line_at(body, at))


def _check_body(body: bytes, start: int) -> None:
    for mark, what in ((b"<?", "a processing instruction"), (b"http://www.w3.org/2001/XInclude", "XInclude")):
        at = body.find(mark, start)
        if at >= 0:
            raise UnreadableFile(f"{what} is not accepted.", line=line_at(body, at))
