"""What a rule is given and what it finds."""

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_ALLOWED = re.compile(r"(?:#|--) lint: allow ([a-z-]+) because \S+")


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.text}"


@dataclass(frozen=True)
class Source:
    """A file of the repository; `path` is relative to its root, with forward slashes."""

    path: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def is_python(self) -> bool:
        return self.path.endswith(".py")

    @property
    def is_test(self) -> bool:
        return self.path.startswith("tests/")

    @property
    def room(self) -> str:
        """`services` for apps/ledger/services.py, `api` for apps/ledger/api/views.py, else ''."""
        parts = self.path.split("/")
        return parts[2].removesuffix(".py") if parts[0] == "apps" and len(parts) > 2 else ""

    def allows(self, line: int, rule: str) -> bool:
        found = _ALLOWED.search(self.lines[line - 1]) if 0 < line <= len(self.lines) else None
        return found is not None and found.group(1) == rule


Rule = Callable[[Source], Iterator[tuple[int, str]]]


def sources(*endings: str) -> Iterator[Source]:
    """Every tracked or new file with one of these endings, without the dot, that is still there."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *(f"*.{ending}" for ending in endings)]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for path in sorted(set(listed.splitlines())):
        file = ROOT / path
        if file.is_file():
            yield Source(path, file.read_text(encoding="utf-8"))
