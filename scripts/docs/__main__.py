"""Writes docs/errors.md, docs/schema.sql, docs/openapi.json, docs/performance.md with docs/performance-runs.md and their charts.

Needs PostgreSQL (DATABASE_OWNER_URL): the schema page is what the migrations make, dumped.
"""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
django.setup()

from scripts.docs import errors, openapi, performance, pictures, results, runs, schema  # noqa: E402  (Django must be set up first)
from scripts.lints.base import ROOT  # noqa: E402

PAGES = {
    "docs/errors.md": errors.page,
    "docs/openapi.json": openapi.page,
    "docs/performance.md": performance.page,
    "docs/performance-runs.md": runs.page,
    "docs/schema.sql": schema.page,
}


def main(check: bool) -> int:
    stale = []
    pages = {name: make() for name, make in PAGES.items()} | pictures.all_of(results.read())
    for name, text in pages.items():
        path = ROOT / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{name} {'is out of date: run `make docs`' if check else 'written'}")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
