"""What every parser asks of bytes first."""

import codecs
from typing import Final

from apps.reconciliation.errors import UnreadableFile

_FOREIGN: Final = (
    (b"PK\x03\x04", "a ZIP archive or a spreadsheet"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"%PDF", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet or document"),
    (b"\x89PNG", "an image"),
    (b"BZh", "bzip2 data"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\xfd7zXZ", "xz data"),
)
_WIDE = (codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF32_BE, b"\x00<", b"<\x00")


def without_bom(data: bytes) -> bytes:
    """`data` without a UTF-8 byte order mark. Refuses what is empty, in UTF-16 or 32, or plainly another type."""
    if data.startswith(_WIDE):
        raise UnreadableFile("The file is in UTF-16 or UTF-32; files are read in UTF-8.")
    for magic, what in _FOREIGN:
        if data.startswith(magic):
            raise UnreadableFile(f"The file is {what}.")
    if data.startswith(codecs.BOM_UTF8):
        data = data[len(codecs.BOM_UTF8) :]
    if not data or data.isspace():
        raise UnreadableFile("The file is empty.")
    return data


def line_at(data: bytes, offset: int) -> int:
    """The line, from 1, in which the byte at `offset` stands."""
    return data.count(b"\n", 0, offset) + 1
