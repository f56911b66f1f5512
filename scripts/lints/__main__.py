"""Runs every house rule over the repository; exits 1 when something is found."""

import sys

from scripts.lints import rooms, rules
from scripts.lints.base import Finding, sources


def findings() -> list[Finding]:
    found = []
    for source in sources():
        for name, rule in (rules.RULES | rooms.RULES).items():
            found += [Finding(source.path, line, name, text) for line, text in rule(source) if not source.allows(line, name)]
    return found


if __name__ == "__main__":
    all_found = findings()
    print("\n".join(map(str, all_found)) or "house rules: nothing found")
    sys.exit(1 if all_found else 0)
