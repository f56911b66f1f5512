"""Starts and stops what is measured: Florin in its guises beside the rivals, the sandbox, PgBouncer."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from benchmarks import contenders
from benchmarks.contenders import BIN, Contender, Targets
from devservices.ports import free_port
from scripts.lints.base import ROOT

PATIENCE_S = 40
# What is measured is the work, not the limiter's refusals nor a clock that only rehearsals move.
_LIMITS = {"RATE_LIMIT_PER_KEY": "1000000", "RATE_LIMIT_PER_MERCHANT": "1000000", "LOG_LEVEL": "ERROR", "CLOCK_MAY_MOVE": "off"}


def _florin(name: str, more: dict[str, str]) -> Contender:
    return Contender(
        name=name,
        argv=lambda port: [str(BIN / "gunicorn"), "config.asgi:application", "-c", "gunicorn.conf.py", "--bind", f"127.0.0.1:{port}"],
        prepare=lambda florin: florin,
        settings=_LIMITS | more,
    )


HOT = _florin("Florin hot", {"HOT_ROUTES": "on"})
FORGETFUL = _florin("Florin hot, nothing shown before", {"HOT_ROUTES": "on", "SHOWN_BYTES": "0"})
TWIN = _florin("Florin DRF twin", {"HOT_ROUTES": "off"})
POOLED = _florin("Florin hot, PgBouncer", {"HOT_ROUTES": "on"})
PGBENCH, PGBENCH_BATCHED = "pgbench", "pgbench, batches of 16"
ALL = {one.name: one for one in (HOT, FORGETFUL, TWIN, POOLED, *contenders.ALL)}


class NotStarted(Exception):
    """A contender did not come up; what it would have measured is absent."""


@dataclass
class Server:
    """One contender that runs."""

    contender: Contender
    port: int
    targets: Targets
    process: subprocess.Popen

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(45)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass
class Yard:
    """All that runs for a benchmark; started when first asked for, stopped with `close`."""

    targets: Targets
    logs: Path
    known: dict[str, Contender] = field(default_factory=lambda: dict(ALL))
    running: dict[str, Server] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    bouncer_pid: int = 0
    _prepared: dict = field(default_factory=dict)
    _pooled: dict[str, str] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def server(self, name: str) -> Server:
        """Raises: NotStarted, each time, with why it failed the first time."""
        if name in self.failed:
            raise NotStarted(f"{name}: {self.failed[name]}")
        if name not in self.running:
            try:
                self.running[name] = self._start(self.known[name])
            except Exception as error:  # a rival that fails must not end the run
                self.failed[name] = f"{type(error).__name__}: {error}"
                raise NotStarted(f"{name}: {self.failed[name]}") from error
        return self.running[name]

    def _start(self, contender: Contender) -> Server:
        if contender.prepare not in self._prepared:
            self._prepared[contender.prepare] = contender.prepare(self.targets)
        port = free_port()
        environment = os.environ | contender.environment() | {"PORT": str(port)}
        if contender is POOLED:
            self._pooled = self._pooled or self._bouncer()
            environment |= self._pooled
        with (self.logs / f"bench-{port}.log").open("ab") as log:
            process = subprocess.Popen(contender.command(port), cwd=ROOT, env=environment, stdout=log, stderr=log)
        server = Server(contender, port, self._prepared[contender.prepare], process)
        try:
            wait_for(f"http://127.0.0.1:{port}{contender.ready}", process)
        except BaseException:
            # Whoever is interrupted while it starts does not know it yet.
            server.stop()
            raise
        return server

    def _bouncer(self) -> dict[str, str]:
        from config import env
        from devservices import pgbouncer

        urls = [env.text(name, "") for name in ("DATABASE_URL", "DATABASE_OWNER_URL")]
        bouncer = self._stack.enter_context(pgbouncer.beside(*urls, pool_size=20, max_clients=2000))
        self.bouncer_pid = bouncer.process.pid
        return bouncer.environment(hot="through")

    def stop(self, name: str) -> None:
        """It has ended; when it is asked for again, it starts anew."""
        self.running.pop(name).stop()

    def close(self) -> None:
        for server in self.running.values():
            server.stop()
        self.running.clear()
        self._stack.close()


def wait_for(url: str, process: subprocess.Popen) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"ended with {process.returncode} before it answered")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"no answer at {url} within {PATIENCE_S} s")


@dataclass
class Sandbox:
    """The sandbox acquirer, for the loads that confirm."""

    process: subprocess.Popen
    base: str

    @classmethod
    def start(cls, data: Path) -> "Sandbox":
        """`data` is where it keeps its journal; the log is beside it."""
        port, log = free_port(), data.with_suffix(".log")
        command = [sys.executable, "-m", "sandbox", "--host", "127.0.0.1", "--port", str(port), "--data-dir", str(data)]
        with log.open("ab") as output:
            process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
        try:
            wait_for(f"http://127.0.0.1:{port}/healthz", process)
        except BaseException:
            process.kill()
            process.wait()
            raise
        settings.SANDBOX_URL = os.environ["SANDBOX_URL"] = f"http://127.0.0.1:{port}"
        return cls(process, f"http://127.0.0.1:{port}")

    def latency(self, milliseconds: int) -> None:
        """Every call waits so long before it is answered."""
        body = json.dumps({"latency_ms": milliseconds}).encode()
        request = urllib.request.Request(f"{self.base}/control/faults", body, {"Content-Type": "application/json"}, method="POST")
        urllib.request.urlopen(request, timeout=5).close()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
