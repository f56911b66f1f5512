"""Measures turns in interleaved rounds, and measures again what others disturbed."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass, field, replace
from itertools import pairwise

from benchmarks import limit, machine
from benchmarks.books import Page
from benchmarks.servers import PGBENCH, PGBENCH_BATCHED, NotStarted, Sandbox, Server, Yard
from benchmarks.suite import SLOW, Turn
from scripts.lints.base import ROOT

REPEATS = 2
LIMITS = (PGBENCH, PGBENCH_BATCHED)
# (turn's name, contender) -> one result a round; None where it was not measured.
Samples = dict[tuple[str, str], list[dict | None]]


@dataclass
class Plan:
    """How long and how often. After `deadline` (monotonic seconds) no round is begun and nothing repeated."""

    rounds: int
    seconds: float
    deadline: float


@dataclass
class Bench:
    """One run: what is up, what it has found, and what went wrong on the way."""

    yard: Yard
    sandbox: Sandbox
    plan: Plan
    repeats: int = REPEATS
    # Where a contender's books are, if not in the settings' database.
    databases: dict[str, str] = field(default_factory=dict)
    # All rounds are made, however long they take.
    whole: bool = False
    samples: Samples = field(default_factory=lambda: defaultdict(list))
    discarded: int = 0
    kept_disturbed: int = 0
    faults: list[str] = field(default_factory=list)
    groups: machine.Groups = field(default_factory=dict)
    warmed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.groups = {"postgresql": [machine.postgres_pid()], "redis": [machine.redis_pid()], "sandbox": [self.sandbox.process.pid]}

    def run(self, turns: tuple[Turn, ...]) -> int:
        """Measures all turns round by round; returns how many rounds were whole."""
        took = 0.0
        for number in range(self.plan.rounds):
            began = time.monotonic()
            if number and not self.whole and began + took > self.plan.deadline:
                say(f"no time for round {number + 1}")
                return number
            for turn in turns:
                say(f"round {number + 1}/{self.plan.rounds}  {turn.name}")
                self._turn(turn, number)
            took = time.monotonic() - began
        return self.plan.rounds

    def _turn(self, turn: Turn, number: int) -> None:
        if turn.gateway_ms:
            self.sandbox.latency(turn.gateway_ms)
        shift = number % len(turn.who)
        for who in (*turn.who[shift:], *turn.who[:shift]):
            self.samples[turn.name, who].append(self._undisturbed(turn, who))
        if turn.gateway_ms:
            self.sandbox.latency(0)

    def _undisturbed(self, turn: Turn, who: str) -> dict | None:
        """The measurement; made again where other machines or processes took their share meanwhile."""
        for attempt in range(self.repeats + 1):
            result = self._measured(turn, who)
            if result is None:
                return None
            show(who, result)
            if not result["disturbed"]:
                break
            if attempt == self.repeats or time.monotonic() > self.plan.deadline:
                self.kept_disturbed += 1
                break
            self.discarded += 1
        return result

    def _measured(self, turn: Turn, who: str) -> dict | None:
        try:
            # Before the page is opened: a rival lays its ground when it starts.
            server = None if who in LIMITS else self._warm(self.yard.server(who), turn)
            page = Page.open(who, self.databases.get(who))
            result, spent = self._load(turn, server) if server else self._pgbench(turn, who)
        except (NotStarted, RuntimeError) as error:
            say(f"    {who}: not measured ({str(error)[:500]})")
            return None
        if server and result["unknown"]:
            # What its clients left behind would go on under the next load: none of it is taken along.
            self.yard.stop(who)
            self.warmed.discard(who)
        for fault in page.faults(turn.kind, result):
            self.faults.append(f"{turn.name} · {who}: {fault}")
            say(f"    WRONG  {who}: {fault}")
        return self._result(result, spent)

    def _warm(self, server: Server, turn: Turn) -> Server:
        """What a process does at its first requests only is over: connections, plans, imports."""
        if server.contender.name not in self.warmed:
            self.warmed.add(server.contender.name)
            generate(self._job(server, replace(turn, connections=32), 1.5), self.groups)
        return server

    def _pgbench(self, turn: Turn, who: str) -> tuple[dict, machine.Spent]:
        return limit.measure(turn.kind, turn.connections, self.plan.seconds, self.groups, batched=who == PGBENCH_BATCHED)

    def _load(self, turn: Turn, server: Server) -> tuple[dict, machine.Spent]:
        seconds = self.plan.seconds * (2 if server.contender.name in SLOW else 1)
        groups = self.groups | {"server": [server.pid], "pgbouncer": [self.yard.bouncer_pid] if self.yard.bouncer_pid else []}
        return generate(self._job(server, turn, seconds), groups)

    def _job(self, server: Server, turn: Turn, seconds: float) -> dict:
        return {
            "host": "127.0.0.1", "port": server.port, "connections": turn.connections, "seconds": seconds, "warmup": turn.warmup,
            "kind": turn.kind, "prefix": uuid.uuid4().hex, "keys": server.targets.keys,
            "targets": server.targets.accounts if turn.kind.startswith("transfer") else server.targets.intents,
        }  # fmt: skip

    def _result(self, result: dict, spent: machine.Spent) -> dict:
        answered = max(result["answered"], 1)
        statuses = result["statuses"]
        shed = sum(n for status, n in statuses.items() if status in ("429", "503"))
        cost = sum(spent.groups.get(name, 0.0) for name in ("server", "postgresql", "redis", "pgbouncer"))
        return {
            "rate": result["rate"],
            "cost": cost * 1e6 / answered,
            "p50": result["latencies_ms"]["p50"],
            "p99": result["latencies_ms"]["p99"],
            "lost": result["refused"] + result["dropped"],
            "timeouts": result["timeouts"],
            "shed": shed,
            "shed share": shed / (shed + result["answered"]) if shed else 0.0,
            "failed": sum(n for status, n in statuses.items() if not status.startswith("2")) - shed,
            "disturbed": spent.is_disturbed,
            "steal": spent.steal,
            "foreign": spent.foreign,
        } | {f"cpu {name}": seconds * 1e6 / answered for name, seconds in spent.groups.items()}


def generate(job: dict, groups: machine.Groups) -> tuple[dict, machine.Spent]:
    """Runs the load generator; the CPU split is that of the seconds that count."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.load"], cwd=ROOT, text=True, env=os.environ,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    groups = groups | {"generator": [process.pid]}
    process.stdin.write(json.dumps(job) + "\n")
    process.stdin.flush()
    moments = []
    for line in process.stdout:
        if line.startswith("{"):
            result = json.loads(line)
            process.communicate(timeout=30)
            return result, next(machine.between(*pair) for pair in pairwise(moments))
        moments.append(machine.now(groups))
    raise RuntimeError(f"the load generator said: {process.communicate()[1][-2000:]}")


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


def show(who: str, result: dict) -> None:
    cpu = ", ".join(f"{name[4:]} {value:,.0f}" for name, value in result.items() if name.startswith("cpu ") and value >= 1)
    lost = "".join(f", {result[name]} {name}" for name in ("lost", "timeouts", "shed", "failed") if result[name])
    mark = f"   disturbed: steal {result['steal']:.0%}, others {result['foreign']:.0%}" if result["disturbed"] else ""
    p50, p99 = (result[name] if result[name] is not None else float("nan") for name in ("p50", "p99"))
    say(f"    {who:24} {result['rate']:8,.0f}/s  p50 {p50:8,.1f}  p99 {p99:8,.1f} ms{lost}  µs: {cpu}{mark}")
