"""What is measured, as data: turns (a load and who takes it), parts (files of results) and targets.

A turn is measured once a round by each of its contenders, one right after the other. To add a scenario,
add a Turn here; nothing else has to know of it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.contenders import CLASSIC as _CLASSIC
from benchmarks.contenders import CLASSIC_PERSISTENT, CLASSIC_THREADS, FASTAPI
from benchmarks.servers import FORGETFUL, PGBENCH, PGBENCH_BATCHED, POOLED, TWIN
from benchmarks.servers import HOT as _HOT

HOT, FIRST, DRF, BOUNCED = _HOT.name, FORGETFUL.name, TWIN.name, POOLED.name
CLASSIC, PERSISTENT, THREADS, PEER = _CLASSIC.name, CLASSIC_PERSISTENT.name, CLASSIC_THREADS.name, FASTAPI.name
# So slow that a short measurement would hold but a few answers.
SLOW = {CLASSIC, PERSISTENT, THREADS}
KINDS = ("create", "confirm", "transfer", "transfer_hot", "transfer_spread", "get", "list", "balance", "replay")
CONNECTIONS = (1, 32, 256, 1000, 5000)


@dataclass(frozen=True)
class Turn:
    """One load and those who take it, in the order of the first round (each round begins with another)."""

    kind: str
    connections: int
    who: tuple[str, ...]
    gateway_ms: int = 0
    # More seconds before those that count.
    settle_s: float = 0.0

    @property
    def name(self) -> str:
        latency = f", gateway {self.gateway_ms} ms" if self.gateway_ms else ""
        return f"{self.kind}, {self.connections} connection{'s' if self.connections > 1 else ''}{latency}"

    @property
    def warmup(self) -> float:
        """Seconds; thousands of connections take a while to settle."""
        return 0.4 + min(self.connections / 1000, 4) + self.settle_s


@dataclass(frozen=True)
class Part:
    """Goes to benchmarks/results/<name>.json."""

    name: str
    title: str
    turns: tuple[Turn, ...]

    def round_s(self, seconds: float) -> float:
        """About how long a round takes on a quiet machine where everything has been started."""
        return sum(_took_s(turn, who, seconds) for turn in self.turns for who in turn.who)


def _took_s(turn: Turn, who: str, seconds: float) -> float:
    """One measurement: the generator starts, warms up and counts, and the books are looked at."""
    if who in (PGBENCH, PGBENCH_BATCHED):
        return (2 if who == PGBENCH_BATCHED else 1) * (seconds + 1.5)
    return 1.0 + turn.connections / 1000 + turn.warmup + seconds * (3 if who in SLOW else 1)


_AT_256 = (HOT, PERSISTENT, PEER, BOUNCED, PGBENCH, PGBENCH_BATCHED)
TARGETS_PART = Part(
    "targets",
    "The targets",
    (
        Turn("create", 32, (HOT, CLASSIC, DRF)),
        Turn("transfer", 32, (HOT, CLASSIC)),
        Turn("create", 256, _AT_256),
        Turn("transfer", 256, (HOT, PERSISTENT, PEER, PGBENCH_BATCHED)),
        Turn("transfer_hot", 256, (HOT,)),
        Turn("transfer_spread", 256, (HOT,)),
        Turn("get", 32, (HOT, FIRST, CLASSIC, DRF)),
        Turn("list", 32, (HOT, FIRST, CLASSIC)),
        Turn("confirm", 32, (HOT, CLASSIC)),
        Turn("replay", 1, (HOT,)),
        Turn("create", 5000, (HOT,)),
    ),
)
_WEB = (HOT, BOUNCED, DRF, PEER, PERSISTENT, CLASSIC)
FULL_PARTS = (
    Part(
        "connections",
        "By connections",
        tuple(Turn(kind, many, (HOT, PEER, PERSISTENT)) for kind in ("create", "get") for many in CONNECTIONS),
    ),
    Part(
        "kinds",
        "Every kind of request",
        tuple(Turn(kind, 32, _WEB) for kind in ("create", "confirm", "transfer", "get", "list", "balance"))
        + tuple(Turn(kind, 256, (*_WEB, THREADS)) for kind in ("create", "transfer", "get", "list"))
        + (Turn("replay", 32, (HOT, DRF, PEER, PERSISTENT)),),
    ),
    Part(
        "gateway",
        "A slow gateway",
        (
            Turn("confirm", 1000, (HOT, PERSISTENT, PEER)),
            Turn("confirm", 1000, (HOT, PERSISTENT, PEER), gateway_ms=50),
            Turn("confirm", 32, (HOT, PERSISTENT), gateway_ms=50),
        ),
    ),
)
PARTS = {part.name: part for part in (TARGETS_PART, *FULL_PARTS)}

# (turn's name, contender) gives what it measured in one round.
View = Callable[[str, str], dict | None]
Formula = Callable[[View], float | None]


@dataclass(frozen=True)
class Target:
    """A figure of the design, computed round by round."""

    name: str
    unit: str
    must: float
    stretch: float | None
    of: Formula
    better: str = "higher"


def ratio(turn: str, other: str, field: str = "rate", *, ours: str = HOT) -> Formula:
    """How many times better we are than `other`: more a second, or fewer milliseconds."""

    def of(view: View) -> float | None:
        mine, theirs = _field(view(turn, ours), field), _field(view(turn, other), field)
        if not mine or not theirs:
            return None
        return mine / theirs if field == "rate" else theirs / mine

    return of


def beside(turn: str, base: str, who: str = HOT) -> Formula:
    """The rate of one load as a share of another's, for the same contender."""

    def of(view: View) -> float | None:
        mine, theirs = _field(view(turn, who), "rate"), _field(view(base, who), "rate")
        return mine / theirs if mine and theirs else None

    return of


def quietly(of: Formula) -> Formula:
    """Only where nothing else went on meanwhile."""

    def undisturbed(view: View) -> float | None:
        def seen(turn: str, who: str) -> dict | None:
            result = view(turn, who)
            return None if result is None or result["disturbed"] else result

        return of(seen)

    return undisturbed


def value(turn: str, field: str, who: str = HOT) -> Formula:
    return lambda view: _field(view(turn, who), field)


def _field(result: dict | None, field: str) -> float | None:
    found: float | None = (result or {}).get(field)
    return found


def _writes(kind: str) -> tuple[Target, ...]:
    few, many = f"{kind}, 32 connections", f"{kind}, 256 connections"
    return (
        Target(f"{kind}: throughput against classic, 32 connections", "×", 30, 45, ratio(few, CLASSIC)),
        Target(f"{kind}: p99 against classic, 32 connections", "× lower", 20, 30, ratio(few, CLASSIC, "p99")),
        Target(f"{kind}: throughput against classic with persistent connections, 256 connections", "×", 20, 35, ratio(many, PERSISTENT)),
        Target(f"{kind}: throughput against FastAPI + asyncpg on the same SQL, 256 connections", "×", 2, 3, ratio(many, PEER)),
        Target(f"{kind}: share of the batched pgbench limit, 256 connections", "share", 0.6, 0.75, ratio(many, PGBENCH_BATCHED)),
    )


_5000 = "create, 5000 connections"
TARGETS = (
    *_writes("create"),
    *_writes("transfer"),
    Target(
        "hot account against spread accounts, 256 connections", "share", 0.75, 0.9,
        beside("transfer_hot, 256 connections", "transfer_spread, 256 connections"),
    ),
    Target("get: throughput against classic, 32 connections", "×", 30, 40, ratio("get, 32 connections", CLASSIC)),
    Target("get: p99 against classic, 32 connections", "× lower", 20, None, ratio("get, 32 connections", CLASSIC, "p99")),
    Target("list of 20: throughput against classic, 32 connections", "×", 30, 45, ratio("list, 32 connections", CLASSIC)),
    # The design does not tell them apart: nobody is to think that a page which nobody has seen is as cheap.
    Target("get, never shown before: throughput against classic", "×", 30, 40, ratio("get, 32 connections", CLASSIC, ours=FIRST)),
    Target("list of 20, never shown before: throughput against classic", "×", 30, 45, ratio("list, 32 connections", CLASSIC, ours=FIRST)),
    Target(
        "rate with a 50 ms gateway and 1,000 connections, against 0 ms", "share", 0.8, 0.95,
        beside("confirm, 1000 connections, gateway 50 ms", "confirm, 1000 connections"),
    ),
    Target("confirm: CPU of Python", "µs", 900, 600, value("confirm, 32 connections", "cpu server"), "lower"),
    Target("confirm: CPU of PostgreSQL", "µs", 900, 600, value("confirm, 32 connections", "cpu postgresql"), "lower"),
    Target("5,000 connections: dropped or refused", "count", 0, 0, value(_5000, "lost"), "lower"),
    Target("5,000 connections: without an answer", "count", 0, 0, value(_5000, "timeouts"), "lower"),
    Target("5,000 connections: p99 of the accepted", "ms", 500, 200, value(_5000, "p99"), "lower"),
    Target("replay: answered without the database", "share", 0.95, 0.99, value("replays", "without database")),
    Target("replay: p50, 1 connection", "ms", 0.5, None, value("replay, 1 connection", "p50"), "lower"),
    Target("resident memory of an idle web worker", "MB", 120, 90, value("idle", "resident"), "lower"),
)  # fmt: skip


def in_words(turn: Turn, who: str) -> str:
    return f"{turn.name} · {who}"
