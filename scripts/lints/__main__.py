"""Runs every house rule over the repository; exits 1 when something is found."""

import sys
from collections.abc import Iterable, Iterator, Mapping

from scripts.lints import pages, rooms, rules
from scripts.lints.base import Finding, Rule, Source, sources


def findings() -> list[Finding]:
    """What is wrong in code, by the rules of code, and in pages, by those of pages."""
    code = _found(rules.RULES | rooms.RULES, sources("py", "sql"))
    return [*code, *_found(pages.RULES, sources("md"))]


def _found(named: Mapping[str, Rule], files: Iterable[Source]) -> Iterator[Finding]:
    for source in files:
        for name, rule in named.items():
            for line, text in rule(source):
                if not source.allows(line, name):
                    yield Finding(source.path, line, name, text)


if __name__ == "__main__":
    all_found = findings()
    print("\n".join(map(str, all_found)) or "house rules: nothing found")
    sys.exit(1 if all_found else 0)
