"""Reading issued files back as a stranger would: the PDF's text, its attachment, the CSV's rows."""

import csv
import io
import re
from decimal import Decimal

from pypdf import PdfReader

_AMOUNT = re.compile(r"−?[\d,]+(?:\.\d+)?")


def pdf_text(pdf: bytes) -> str:
    """All text of the PDF, its minus signs and spaces made plain."""
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).replace("\u200b", "")


def attached_data(pdf: bytes) -> bytes:
    """The data set that the PDF carries."""
    (content,) = PdfReader(io.BytesIO(pdf)).attachments["statement-data.json"]
    return content


def csv_rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def amounts_after(text: str, label: str, *, count: int = 1) -> list[Decimal]:
    """The first `count` amounts that follow `label` in the text."""
    _, found, rest = text.partition(label)
    assert found, f"{label!r} is not in the document"
    return [number(word) for word in _AMOUNT.findall(rest)[:count]]


def number(word: str) -> Decimal:
    """'−1,234.50' as a number."""
    return Decimal(word.replace(",", "").replace("−", "-"))


def minor(text: str, exponent: int) -> int:
    """'-12.30' with two digits as -1230."""
    return int(Decimal(text).scaleb(exponent))
