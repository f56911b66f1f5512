"""What the ledger's door costs: CPU of the PostgreSQL process, per command, nothing else in between.

`python -m benchmarks.door [database …]` measures `ledger_post` in each of the databases (one after the
other in every round, so that all see the same machine) and prints medians. They lie on the server of the
settings, migrated; with two of different versions it compares them. CPU time is what the kernel counted
for the backend, so that other load on the machine hardly shows.
"""

import argparse
import os
import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, product
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
django.setup()

import psycopg  # noqa: E402  (Django must be set up first)
from django.conf import settings  # noqa: E402

from apps.core import db, ids  # noqa: E402
from apps.ledger.domain import merchant_account, platform_account  # noqa: E402

KINDS = ("transfer", "capture", "hot")
SIZES = (1, 16, 64)
SPREAD = 400
_numbers = count()


@dataclass
class Door:
    """One database, with merchants that have money to give away."""

    name: str
    conn: "psycopg.Connection[Any]"
    merchants: list[UUID]

    def measure(self, kind: str, size: int, commands: int) -> float:
        """Microseconds of CPU a command, in calls of `size` commands."""
        calls = [db.encode([command(kind, self.merchants) for _ in range(size)]) for _ in range(max(1, commands // size))]
        before = self._cpu_us()
        for call in calls:
            self.conn.execute("SELECT ledger_post(%s::jsonb)::text", [call], prepare=True)
        return (self._cpu_us() - before) / (len(calls) * size)

    def _cpu_us(self) -> float:
        return int(Path(f"/proc/{self.conn.info.backend_pid}/schedstat").read_text().split()[0]) / 1000


def opened(name: str) -> Door:
    """The database `name` with fresh merchants, each rich; commits do not wait for the disk."""
    conn = psycopg.connect(settings.DATABASE_DSN, dbname=name, autocommit=True, options="-c synchronous_commit=off")
    merchants = [uuid4() for _ in range(SPREAD)]
    for first in range(0, SPREAD, 50):
        rich = [_entry(("bank.bench", None, 10**12), ("available", merchant, -(10**12))) for merchant in merchants[first : first + 50]]
        conn.execute("SELECT ledger_post(%s::jsonb)", [db.encode(rich)])
    return Door(name, conn, merchants)


def command(kind: str, merchants: list[UUID]) -> dict[str, Any]:
    """A transfer between two of many accounts, between the same two, or a capture with its fee."""
    n = next(_numbers)
    giver, taker = merchants[n * 7 % SPREAD], merchants[(n * 11 + 1) % SPREAD]
    if kind == "capture":
        return _entry(("gateway_receivable.sandbox", None, 10_000), ("pending", giver, -9_680), ("fees", None, -320))
    if kind == "hot":
        giver, taker = merchants[0], merchants[1 + n % 2]
    return _entry(("available", giver, 7), ("available", taker, -7) if giver != taker else ("pending", giver, -7))


def _entry(*lines: tuple[str, UUID | None, int]) -> dict[str, Any]:
    number = uuid4().hex
    return {
        "id": ids.new_id(), "kind": "bench", "booked_on": None, "effective_at": None, "source": f"b_{number}", "sequence": 0,
        "reverses": None, "livemode": False, "metadata": {},
        "postings": [{"account": _code(name, owner), "amount": amount} for name, owner, amount in lines],
    }  # fmt: skip


def _code(name: str, owner: UUID | None) -> str:
    return merchant_account(owner, False, name, "eur") if owner else platform_account(False, name, "eur")


def rounds(doors: list[Door], options: argparse.Namespace) -> Iterator[tuple[tuple[str, int, str], float]]:
    """Every figure of every round; the first round warms up and is left out."""
    for turn in range(options.rounds + 1):
        for kind, size, door in product(options.kinds, options.sizes, doors):
            taken = door.measure(kind, size, options.commands)
            if turn:
                yield (kind, size, door.name), taken


def main() -> None:
    options = _options()
    doors = [opened(name) for name in options.databases]
    found: dict[tuple[str, int, str], list[float]] = defaultdict(list)
    for figure, taken in rounds(doors, options):
        found[figure].append(taken)
    for (kind, size, name), taken in found.items():
        print(f"{kind:9} in calls of {size:2}  {name:12} {statistics.median(taken):7.1f} µs  ({min(taken):.1f} – {max(taken):.1f})")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("databases", nargs="*", default=[settings.DATABASES["default"]["NAME"]])
    parser.add_argument("--kinds", nargs="+", default=KINDS)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--commands", type=int, default=640)
    return parser.parse_args()


if __name__ == "__main__":
    main()
