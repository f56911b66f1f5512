"""A closed-loop HTTP load generator: N keep-alive connections, each sends its next request when the
last one has been answered. A process of its own: `python -m benchmarks.load` reads one JSON job from
standard input and prints one JSON result.

job:    {"host", "port", "connections", "seconds", "warmup", "kind", "keys": [secret…], "targets": […]}
result: {"requests", "errors": {status: count}, "seconds", "latencies_ms": {"p50", "p90", "p99", "max"}}
"""

import asyncio
import json
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from itertools import count
from urllib.parse import urlencode

import uvloop

_serial = count()
_EXPAND = "&".join(f"expand[]=data.{path}" for path in ("customer", "payment_method", "latest_charge.balance_transaction"))


def _request(method: str, path: str, key: str, body: bytes = b"", idempotency_key: str = "") -> bytes:
    head = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {key}", "Connection: keep-alive"]
    if body:
        head += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    if idempotency_key:
        head.append(f"Idempotency-Key: {idempotency_key}")
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


def _create(job: dict, confirm: bool) -> Callable[[], bytes]:
    fields = {"amount": 1999, "currency": "eur", "metadata[order]": "A-1001"}
    if confirm:
        fields |= {"confirm": "true", "payment_method": "pm_card_visa", "return_url": "https://example.com/done"}
    body = urlencode(fields).encode()
    keys = job["keys"]
    return lambda: _request("POST", "/v1/payment_intents", keys[next(_serial) % len(keys)], body, str(uuid.uuid4()))


def _transfer(job: dict) -> Callable[[], bytes]:
    def make() -> bytes:
        number = next(_serial)
        target = job["targets"][number % len(job["targets"])]
        body = urlencode({"amount": 1, "currency": "eur", "destination": target}).encode()
        return _request("POST", "/v1/transfers", job["keys"][0], body, str(uuid.uuid4()))

    return make


def _get(job: dict, path: str) -> Callable[[], bytes]:
    made = [_request("GET", path.format(id=target), job["keys"][0]) for target in job["targets"] or [""]]
    return lambda: made[next(_serial) % len(made)]


KINDS: dict[str, Callable[[dict], Callable[[], bytes]]] = {
    "create": lambda job: _create(job, confirm=False),
    "confirm": lambda job: _create(job, confirm=True),
    "transfer": _transfer,
    "get": lambda job: _get(job, "/v1/payment_intents/{id}"),
    "list": lambda job: _get(job, "/v1/payment_intents?limit=20"),
    "expanded": lambda job: _get(job, f"/v1/payment_intents?limit=20&{_EXPAND}"),
    "balance": lambda job: _get(job, "/v1/balance"),
}


class Connection:
    """One keep-alive connection; a broken one is opened again and counted as an error."""

    def __init__(self, job: dict, make: Callable[[], bytes], record: Callable[[float, int], None]) -> None:
        self.job, self.make, self.record = job, make, record

    async def run(self, until: float) -> None:
        while time.perf_counter() < until:
            try:
                reader, writer = await asyncio.open_connection(self.job["host"], self.job["port"])
            except OSError:
                self.record(0.0, 0)
                await asyncio.sleep(0.05)
                continue
            await self._converse(reader, writer, until)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, until: float) -> None:
        while time.perf_counter() < until:
            began = time.perf_counter()
            writer.write(self.make())
            try:
                status = await _answer(reader)
            except (OSError, asyncio.IncompleteReadError):
                self.record(time.perf_counter() - began, 0)
                return
            self.record(time.perf_counter() - began, status)


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    at = lower.find(b"content-length:")
    if at >= 0:
        await reader.readexactly(int(lower[at + 15 : lower.index(b"\r\n", at)]))
    return int(head[9:12])


async def measure(job: dict) -> dict:
    """Runs the job and sums it up; what the warm-up did is not counted."""
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    counted_from = time.perf_counter() + job["warmup"]

    def record(seconds: float, status: int) -> None:
        if time.perf_counter() >= counted_from:
            latencies.append(seconds)
            statuses[status] += 1

    make = KINDS[job["kind"]](job)
    until = counted_from + job["seconds"]
    await asyncio.gather(*(Connection(job, make, record).run(until) for _ in range(job["connections"])))
    return _summary(latencies, statuses, time.perf_counter() - counted_from)


def _summary(latencies: list[float], statuses: Counter[int], seconds: float) -> dict:
    latencies.sort()

    def at(share: float) -> float:
        return round(latencies[min(len(latencies) - 1, int(len(latencies) * share))] * 1000, 2) if latencies else 0.0

    errors = {str(status): n for status, n in statuses.items() if not 200 <= status < 300}
    return {
        "requests": len(latencies),
        "errors": errors,
        "seconds": round(seconds, 3),
        "rate": round((len(latencies) - sum(errors.values())) / seconds, 1),
        "latencies_ms": {"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": at(1.0)},
    }


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        json.dump(runner.run(measure(json.load(sys.stdin))), sys.stdout)
