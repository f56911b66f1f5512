"""A Redis of one's own, to be stopped, frozen and flushed while the suite's goes on."""

import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from redis import Redis, RedisError

from devservices import binaries
from tests.conftest import free_port


@dataclass
class OwnRedis:
    port: int = field(default_factory=free_port)
    process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def client(self) -> Redis:
        return Redis.from_url(self.url, socket_timeout=2)

    def start(self) -> "OwnRedis":
        command = [str(binaries.redis_server()), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd="/tmp")
        until = time.monotonic() + 10
        while True:
            try:
                self.client.ping()
                return self
            except RedisError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)

    def stop(self) -> None:
        """Gone, as after a power cut; `start` brings it back empty, on the same port."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        """It accepts connections (the kernel does) and says nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def calls(self, command: str) -> int:
        """How often the command was called since the start."""
        return self.client.info("commandstats").get(f"cmdstat_{command}", {}).get("calls", 0)


@pytest.fixture
def own_redis() -> Iterator[OwnRedis]:
    running = OwnRedis().start()
    yield running
    running.stop()
