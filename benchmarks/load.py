"""A closed-loop HTTP load generator: N keep-alive connections, each sends its next request when the
last one has been answered. A process of its own: `python -m benchmarks.load` reads one JSON job from
standard input, prints a line `begin` and a line `end` around the seconds that count (so that whoever
started it can look at the clocks of processes at those moments) and then one JSON result.

job:    {"host", "port", "connections", "seconds", "warmup", "kind", "prefix", "keys": [secret…], "targets": […],
         "drain" (seconds, DRAIN_S if absent)}
result: {"answered", "seconds", "rate", "statuses": {status: count}, "refused", "dropped", "timeouts",
         "latencies_ms": {"p50", "p90", "p99", "max"}, "acknowledged", "unknown", "sample": {"checked", "wrong"}}

`answered` and `rate` are the successes of the counted seconds. No new request is sent after these, but
what is under way is waited for ("drain" at most) and its latencies count, so that a slow server is not
flattered; what has no answer even then is a timeout, as is silence for TIMEOUT_S. `acknowledged` is the
successes from the first moment on: what must be in the books.

A 503 is an answer, counted apart; the connection then waits as the Stripe SDK does before it asks again.
A connection that is refused or cut inside an answer is `refused` or `dropped`; a server that says
`Connection: close` and closes after its answer is not at fault.
"""

import asyncio
import gc
import json
import random
import sys
import time
from collections import Counter

import uvloop

from benchmarks import asked

TIMEOUT_S = 30.0
DRAIN_S = 8.0
# The Stripe SDK's pauses before it asks again, in seconds.
BACKOFF_S, MAX_BACKOFF_S = 0.5, 5.0
CONNECTING_AT_ONCE = 100
CONNECTING_S = 0.1
# One body in so many is looked at.
SAMPLE_EVERY = 101


class Run:
    """What all connections share: the clock, the requests and the counts."""

    def __init__(self, job: dict) -> None:
        self.job = job
        self.make, self.is_right = asked.KINDS[job["kind"]](job)
        self.counting = self.stopping = False
        self.latencies: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.in_window = self.acknowledged = self.refused = self.dropped = self.timeouts = 0
        self.checked = self.wrong = 0
        self.open: set[Connection] = set()
        self.busy = 0

    def answered(self, status: int, seconds: float, request: bytes, body: bytes) -> None:
        """A whole answer to `request` has come."""
        good = 200 <= status < 300
        if good:
            self.acknowledged += 1
            if self.acknowledged % SAMPLE_EVERY == 1:
                self.checked += 1
                self.wrong += not self.is_right(request, body)
        if not self.counting and not self.stopping:
            return
        if good:
            self.latencies.append(seconds)
        if self.counting:
            self.in_window += good
            self.statuses[status] += 1

    def silent(self) -> None:
        """No answer within TIMEOUT_S."""
        self.timeouts += 1

    def end(self) -> None:
        """What is still under way will never be looked at: as good as no answer."""
        self.timeouts, self.busy = self.timeouts + self.busy, 0

    def summary(self, seconds: float) -> dict:
        self.latencies.sort()
        return {
            "answered": self.in_window,
            "seconds": round(seconds, 4),
            "rate": round(self.in_window / seconds, 1),
            "statuses": {str(status): n for status, n in sorted(self.statuses.items())},
            "refused": self.refused,
            "dropped": self.dropped,
            "timeouts": self.timeouts,
            "latencies_ms": {"p50": self._at(0.5), "p90": self._at(0.9), "p99": self._at(0.99), "max": self._at(1.0)},
            "acknowledged": self.acknowledged,
            "unknown": self.dropped + self.timeouts,
            "sample": {"checked": self.checked, "wrong": self.wrong},
        }

    def _at(self, share: float) -> float | None:
        if not self.latencies:
            return None
        return round(self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * share))] * 1000, 3)


class Connection(asyncio.Protocol):
    """One keep-alive connection. `asked_at` is when its request left, 0 while it rests."""

    __slots__ = ("asked_at", "buffer", "pauses", "request", "run", "transport")

    def __init__(self, run: Run) -> None:
        self.run = run
        self.buffer = b""
        self.request = b""
        self.asked_at = 0.0
        self.pauses = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.run.open.add(self)
        self.ask()

    def ask(self) -> None:
        """Sends the next request, unless the run is over."""
        if self.run.stopping or self.transport.is_closing():
            return
        self.run.busy += 1
        self.request = self.run.make()
        self.asked_at = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        if self.buffer:
            data = self.buffer + data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self.buffer = data
            return
        head = data[:end].lower()
        length = _length(head)
        whole = _ends_chunked(data) if length is None else len(data) >= end + 4 + length
        if not whole:
            self.buffer = data
            return
        self.buffer = b""
        self._answered(int(head[9:12]), data[end + 4 :], closes=b"connection: close" in head)

    def _answered(self, status: int, body: bytes, *, closes: bool) -> None:
        asked_at, self.asked_at = self.asked_at, 0.0
        self.run.busy -= 1
        self.run.answered(status, time.perf_counter() - asked_at, self.request, body)
        if closes:
            self.transport.close()
        elif status in (429, 503):
            self._pause()
        else:
            self.pauses = 0
            self.ask()

    def _pause(self) -> None:
        pause = min(BACKOFF_S * 2**self.pauses, MAX_BACKOFF_S) * random.uniform(0.5, 1.0)
        self.pauses += 1
        asyncio.get_running_loop().call_later(pause, self.ask)

    def connection_lost(self, error: Exception | None) -> None:
        self.run.open.discard(self)
        if self.asked_at:
            self.run.busy -= 1
            self.run.dropped += 1
        if not self.run.stopping:
            _keep(asyncio.ensure_future(connect(self.run)))


_tasks: set[asyncio.Future] = set()
_gate: asyncio.Semaphore


def _keep(task: asyncio.Future) -> None:
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


def _length(head: bytes) -> int | None:
    at = head.find(b"\r\ncontent-length:")
    if at < 0:
        return None
    end = head.find(b"\r\n", at + 2)
    return int(head[at + 17 : end if end > 0 else len(head)])


def _ends_chunked(data: bytes) -> bool:
    return data.endswith(b"\r\n0\r\n\r\n")


async def connect(run: Run) -> None:
    """Opens one connection; tries again as long as the run goes on."""
    while not run.stopping:
        async with _gate:
            try:
                await asyncio.get_running_loop().create_connection(lambda: Connection(run), run.job["host"], run.job["port"])
                # A kernel says yes before the server does, and drops what its queue (somaxconn) cannot hold.
                await asyncio.sleep(CONNECTING_S)
                return
            except OSError:
                run.refused += 1
        await asyncio.sleep(0.05)


async def _watch(run: Run) -> None:
    """Gives up on answers that do not come; the connection is opened anew."""
    while True:
        await asyncio.sleep(0.5)
        limit = time.perf_counter() - TIMEOUT_S
        for connection in [one for one in run.open if one.asked_at and one.asked_at < limit]:
            connection.asked_at = 0.0
            run.busy -= 1
            run.silent()
            connection.transport.abort()


async def measure(job: dict) -> dict:
    """Runs the job and sums it up; what the warm-up did is acknowledged but not counted."""
    global _gate
    _gate = asyncio.Semaphore(CONNECTING_AT_ONCE)
    run = Run(job)
    watch = asyncio.ensure_future(_watch(run))
    await asyncio.gather(*(connect(run) for _ in range(job["connections"])))
    await asyncio.sleep(job["warmup"])
    gc.collect()
    gc.freeze()
    gc.disable()
    print("begin", flush=True)
    began, run.counting = time.perf_counter(), True
    await asyncio.sleep(job["seconds"])
    run.counting, run.stopping = False, True
    seconds = time.perf_counter() - began
    print("end", flush=True)
    until = time.perf_counter() + job.get("drain", DRAIN_S)
    while run.busy and time.perf_counter() < until:
        await asyncio.sleep(0.01)
    run.end()
    watch.cancel()
    return run.summary(seconds) | _leave(run)


def _leave(run: Run) -> dict:
    for connection in list(run.open):
        connection.asked_at = 0.0
        connection.transport.abort()
    return {}


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        json.dump(runner.run(measure(json.loads(sys.stdin.readline()))), sys.stdout)
