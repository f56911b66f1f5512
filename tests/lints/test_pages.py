"""Pages lead where they say, and name what there is."""

import re

import pytest

from scripts.lints.base import ROOT, Source
from scripts.lints.pages import RULES, anchors

WRONG = [
    ("links", "see [it](gone.md)"),
    ("links", "see [it](running.md#no-such-heading)"),
    ("links", "see [it](#below)\n# Above"),
    ("names", "`apps/core/gone.py`"),
    ("names", "`tests/gone`"),
    ("names", "`core.gone.Thing`"),
    ("names", "`core.db.gone`"),
    ("names", "`make gone`"),
    ("names", "`.venv/bin/python -m scripts.gone`"),
    ("names", "`manage.py gone`"),
    ("tables", "| a | b |\n|---|---:|\n| 1 | 2 |\n\n| 3 | 4 |\n"),
    ("tables", "| a | b |\n| 1 | 2 |"),
]
RIGHT = [
    ("tables", "| a | b |\n|:--|---|\n| 1 | 2 |\n\nand\n\n| a |\n|---|\n\n```\n| no table\n```\n"),
    ("links", "[a](running.md#as-root) [b](../README.md) [c](https://x.org/y) [d](errors.md#card_declined) [e](#a-b)\n## A, b"),
    (
        "names",
        "`apps/core/flow.py` `core.db.batch` `core.caching.kept.Kept` `core.db` `make check` `python -m scripts.lints` `manage.py audit`",
    ),
]


@pytest.mark.parametrize(("rule", "text"), WRONG)
def test_a_page_that_leads_nowhere_is_refused(rule: str, text: str):
    assert list(RULES[rule](Source("docs/page.md", text)))


@pytest.mark.parametrize(("rule", "text"), RIGHT)
def test_a_page_that_is_right_is_left_alone(rule: str, text: str):
    assert list(RULES[rule](Source("docs/page.md", text))) == []


def test_headings_are_anchors_as_github_writes_them():
    found = anchors("# Locks, always in this order\n## Twice\n## Twice\n```\n# no heading\n```\n### `code` — and dashes\n")
    assert found == {"locks-always-in-this-order", "twice", "twice-1", "code--and-dashes"}


def test_every_variable_that_is_read_is_on_the_page_of_settings_and_the_other_way_round():
    read = r"\b(?:env\.)?(?:text|given|number|seconds|flag|words)\(\s*\"([A-Z][A-Z0-9_]+)\"|environ(?:\.get\(|\[)\"([A-Z][A-Z0-9_]+)\""
    files = [*ROOT.glob("config/**/*.py"), ROOT / "gunicorn.conf.py"]
    used = {name for file in files for pair in re.findall(read, file.read_text()) for name in pair if name}
    rows = re.findall(r"^\| (`[^|]*) \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`([A-Z0-9_]+)`", row)}
    assert used - told - {"FLORIN_STATE_DIR"} == set()
    assert {name for name in told if not any(name in file.read_text() for file in files)} == set()


def test_every_dependency_has_its_reason():
    asked = [line.split("#")[0].strip() for name in ("base", "dev") for line in (ROOT / f"requirements/{name}.in").read_text().splitlines()]
    wanted = {re.split(r"[\[=~<>]", line)[0] for line in asked if line and not line.startswith("-")}
    reasons = (ROOT / "docs/decisions/0001-dependencies.md").read_text().lower()
    assert {name for name in wanted if not re.search(rf"(?<![\w-]){name}(?![\w-])", reasons)} == set()
