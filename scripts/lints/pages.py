"""Rules of the pages. A page that leads nowhere, or names what is gone, is believed by whoever is new."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from scripts.lints.base import ROOT, Source

Hit = Iterator[tuple[int, str]]

_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
_TREES = "apps|benchmarks|config|deploy|devservices|docs|requirements|sandbox|scripts|tests"
_PATH = re.compile(rf"`((?:{_TREES})/[\w./*-]*\w)/?`")
_CORE = re.compile(r"`core\.([a-z_]+(?:\.[a-z_]+)*)")
_MAKE = re.compile(r"`make ([a-z-]+)")
_MODULE = re.compile(r"\bpython -m ((?:scripts|benchmarks|devservices|sandbox)[\w.]*)")
_COMMAND = re.compile(r"\bmanage\.py ([a-z_]+)")
# Parts of other pages, whose links are looked at there.
_PARTS = ("benchmarks/notes/", "apps/core/api/introduction.md")
_DJANGO = {"check", "collectstatic", "createsuperuser", "dumpdata", "makemigrations", "migrate", "shell", "sqlmigrate", "test"}
_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_BELOW_HEAD = re.compile(r"\|[-: |]+\|\s*")


def links(source: Source) -> Hit:
    """A link to a page that was renamed, or to a heading that was reworded, ends the reading there."""
    if source.path.startswith(_PARTS):
        return
    here = (ROOT / source.path).parent
    for found in _LINK.finditer(source.text):
        target = here / found[1]
        if not target.exists():
            yield _line(source, found.start()), f"{found[1]} is not there"
        elif found[2] and found[2] not in anchors(_text(target) if found[1] else source.text):
            yield _line(source, found.start()), f"{found[1]}#{found[2]}: no such heading"


def names(source: Source) -> Hit:
    """A page that names a file, a module or a command that is gone sends its reader looking for it."""
    for pattern, is_there, what in (
        (_PATH, _is_path, "file"),
        (_CORE, _is_of_core, "module of core"),
        (_MAKE, _is_target, "target of make"),
        (_MODULE, _is_module, "module"),
        (_COMMAND, _is_command, "command"),
    ):
        for found in pattern.finditer(source.text):
            if not is_there(found[1]):
                yield _line(source, found.start()), f"there is no {what} {found[1]}"


def tables(source: Source) -> Hit:
    """Rows without a head, as an empty line leaves them, are shown as one paragraph full of bars."""
    lines = _FENCE.sub(lambda fence: "\n" * fence[0].count("\n"), source.text).split("\n")
    for no, (before, line, after) in enumerate(zip(["", *lines], lines, [*lines[1:], ""], strict=False), start=1):
        if line.startswith("|") and not before.startswith("|") and not _BELOW_HEAD.fullmatch(after):
            yield no, "a table's row without a head above it"


@cache
def anchors(text: str) -> frozenset[str]:
    """What can follow `#` in a link to the page: its headings as GitHub writes them, and its `<a id>`s."""
    found, seen = set(re.findall(r'<a id="([^"]+)">', text)), dict[str, int]()
    for heading in re.findall(r"^#{1,6} +(.+?)\s*$", _FENCE.sub("", text), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(slug if slug not in seen else f"{slug}-{seen[slug]}")
        seen[slug] = seen.get(slug, 0) + 1
    return frozenset(found)


def _text(target: Path) -> str:
    return target.read_text(encoding="utf-8") if target.suffix == ".md" else ""


def _line(source: Source, at: int) -> int:
    return source.text.count("\n", 0, at) + 1


def _is_path(name: str) -> bool:
    return any(ROOT.glob(name)) or any(ROOT.glob(f"{name}_*")) or "results" in name  # what benchmarks write is not kept


def _is_of_core(name: str) -> bool:
    """The modules are there; what follows the last of them is a name in it."""
    place = ROOT / "apps/core"
    for part in name.split("."):
        if (place / f"{part}.py").is_file():
            return True
        if not (place / part).is_dir():
            return place != ROOT / "apps/core" and re.search(rf"\b{part}\b", (place / "__init__.py").read_text()) is not None
        place /= part
    return True


def _is_target(name: str) -> bool:
    return re.search(rf"^{name}:", (ROOT / "Makefile").read_text(), re.MULTILINE) is not None


def _is_module(name: str) -> bool:
    place = ROOT / name.rstrip(".").replace(".", "/")
    return place.with_suffix(".py").is_file() or (place / "__main__.py").is_file()


def _is_command(name: str) -> bool:
    return name in _DJANGO or any(ROOT.glob(f"*/**/management/commands/{name}.py"))


RULES = {"links": links, "names": names, "tables": tables}
