"""The fonts statements are set in. They come with pinned packages, never from the machine, so that
the same statement has the same bytes everywhere."""

from functools import cache
from importlib import resources
from pathlib import Path

from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

_FILES = (
    ("fontpkg_ibm_plex_sans", "files/IBMPlexSans[wdth,wght].ttf"),
    ("fontpkg_noto_sans_arabic", "files/NotoSansArabic[wdth,wght].ttf"),
    ("noto_cjk_sans_jp_regular", "NotoSansCJKjp-Regular.otf"),
)
_MISSING = "\ufffd"


def directories() -> list[str]:
    """Where the font files are."""
    return sorted({str(path.parent) for path in files()})


def files() -> list[Path]:
    return [Path(str(resources.files(package).joinpath(name))) for package, name in _FILES]


def printable(text: str) -> str:
    """`text` with a replacement mark for every character that no font has. An archival PDF must not
    hold a character without a shape."""
    if text.isascii():
        return text
    known = _coverage()
    return "".join(character if ord(character) in known else _MISSING for character in text)


@cache
def _coverage() -> frozenset[int]:
    known: set[int] = set()
    for path in files():
        with TTFont(path, lazy=True) as font:
            known.update(font.getBestCmap())
    return frozenset(known)
