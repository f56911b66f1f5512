"""Writes docs/errors.md, docs/schema.sql, docs/openapi.json and docs/performance.md.

Needs PostgreSQL (DATABASE_OWNER_URL): the schema page is what the migrations make, dumped.
"""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
django.setup()

from scripts.docs import errors, openapi, performance, schema  # noqa: E402  (Django must be set up first)
from scripts.lints.base import ROOT  # noqa: E402

PAGES = {
    "docs/errors.md": errors.page,
    "docs/openapi.json": openapi.page,
    "docs/performance.md": performance.page,
    "docs/schema.sql": schema.page,
}


def main(check: bool) -> int:
    stale = []
    for name, make in PAGES.items():
        path, text = ROOT / name, make()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{name} {'is out of date: run `make docs`' if check else 'written'}")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
