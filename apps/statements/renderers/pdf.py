"""The statement as an archival, tagged PDF (PDF/A-3a and PDF/UA-1), typeset by typst.

The document is a pure function of its input: its date is the instant of issue, its fonts are pinned,
and it holds the data set it was made from as an attachment.
"""

from functools import cache
from importlib import import_module, resources
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from apps.statements.domain import Cover, DataSet, canonical
from apps.statements.renderers import fonts
from apps.statements.renderers.page import view

if TYPE_CHECKING:
    import typst

_STANDARDS: list[Literal["a-3a", "ua-1"]] = ["a-3a", "ua-1"]
_REMEMBER_LINES = 1_000
_remembered = 0


def render(data: DataSet, cover: Cover) -> bytes:
    """The PDF file. Texts of merchants and customers reach the template as strings, never as markup."""
    inputs = {"view": msgspec.json.encode(view(data, cover)).decode(), "data": canonical(data).decode()}
    compiler = _typst().Compiler(_template(), font_paths=_fonts(), sys_inputs=inputs)
    pdf = compiler.compile(format="pdf", pdf_standards=[*_STANDARDS], timestamp=cover.issued_at)
    _account_for(len(data.lines))
    if not isinstance(pdf, bytes):
        raise TypeError("typst makes one file of a statement")
    return pdf


def _account_for(lines: int) -> None:
    """Keeps the process small: typst remembers the layout of its last ten documents, which no other
    statement can use. A few empty documents push them out."""
    global _remembered
    _remembered += lines
    if _remembered > _REMEMBER_LINES:
        _remembered = 0
        for _ in range(12):
            _typst().Compiler(b"#none", font_paths=_fonts()).compile(format="pdf")


@cache
def _template() -> bytes:
    return resources.files(__package__).joinpath("statement.typ").read_bytes()


@cache
def _fonts() -> "typst.Fonts":
    found: typst.Fonts = _typst().Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=fonts.directories())
    return found


def _typst() -> Any:
    """Loaded by whoever makes a document: eight megabytes that a web process does without."""
    return import_module("typst")
