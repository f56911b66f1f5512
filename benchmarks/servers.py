"""The contenders: the same product under Gunicorn, with and without its hot routes."""

import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from scripts.lints.base import ROOT

BIN = Path(sys.executable).parent


@dataclass
class Server:
    """One Gunicorn; `environment` makes it this contender and no other."""

    name: str
    port: int
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen | None = field(default=None)

    def start(self) -> "Server":
        environment = os.environ | self.environment | {"PORT": str(self.port), "LOG_LEVEL": "ERROR"}
        command = [str(BIN / "gunicorn"), "config.asgi:application", "-c", "gunicorn.conf.py"]
        output = self.log.open("ab")
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        self._wait()
        return self

    def _wait(self) -> None:
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=1):
                    return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"{self.name} did not come up; see {self.log}")

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(40)
            self.process = None


def sandbox(port: int, data: Path, log: Path) -> subprocess.Popen:
    """The sandbox acquirer, for the loads that confirm."""
    command = [sys.executable, "-m", "sandbox", "--host", "127.0.0.1", "--port", str(port), "--data-dir", str(data)]
    output = log.open("ab")
    process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
    for _ in range(100):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
                return process
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the sandbox did not come up; see {log}")
