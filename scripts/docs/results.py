"""benchmarks/results/*.json, looked at by name."""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from scripts.docs.charts import Point
from scripts.lints.base import ROOT

Figure = dict[str, Any]
FOLDER = ROOT / "benchmarks" / "results"


@dataclass(frozen=True)
class Result:
    """One file: a suite with its figures. Names of loads are "load · contender · quantity"."""

    name: str
    content: dict[str, Any]

    @property
    def figures(self) -> list[Figure]:
        found: list[Figure] = self.content["figures"]
        return found

    @cached_property
    def loads(self) -> dict[str, dict[str, dict[str, Figure]]]:
        """load -> contender -> quantity -> figure."""
        found: dict[str, dict[str, dict[str, Figure]]] = {}
        for figure in self.figures:
            load, first, rest = figure["name"].partition(" · ")
            who, second, quantity = rest.partition(" · ")
            if first and second:
                found.setdefault(load, {}).setdefault(who, {})[quantity] = figure
        return found

    @property
    def interpreter(self) -> str:
        """Version and build of Python, as a heading has it."""
        return f"CPython {self.content.get('machine', {}).get('python', 'of unknown build')}"

    def find(self, load: str, who: str, quantity: str) -> Figure | None:
        return self.loads.get(load, {}).get(who, {}).get(quantity)


def read(folder: Path = FOLDER) -> dict[str, Result]:
    """Every suite by the name of its file."""
    return {path.stem: Result(path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.json"))}


def unbroken(row: str) -> str:
    """A table's row whose figures stay on one line: bounds, ranges and units."""
    return re.sub(r"(?<=[≥≤–/%\d]) (?=[–/×µ%(\d]|MB|ms|lower)|(?<=×) (?=lower)", "\u00a0", row)


def point(figure: Figure, x: float = 0) -> Point:
    return Point(x, figure["value"], figure["low"], figure["high"])
