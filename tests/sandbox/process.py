"""The sandbox as its own process, and a small client for it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

ROOT = Path(__file__).resolve().parents[2]


class Sandbox:
    """One process on one data directory; it can be killed and started again on the same port."""

    command = ("sandbox",)

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", *self.command, "--port", str(self.port)]
        environment = {**os.environ, "SANDBOX_DATA_DIR": str(self.data_dir)}
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while True:
            try:
                self.get("/healthz")
                return
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise
                time.sleep(0.02)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self.process.wait(10)

    def restart(self) -> None:
        self.kill()
        self.start()

    def raw(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None, timeout: float = 10):
        """The response with its whole body as `content`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            response.content = response.read()
            return response
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        return json.loads(self.raw("GET", path).content)

    def post(self, path: str, body: dict[str, Any], timeout: float = 10) -> tuple[int, Any]:
        response = self.raw("POST", path, json.dumps(body).encode(), timeout=timeout)
        return response.status, json.loads(response.content)

    def authorize(self, payment_method: str = "pm_card_visa", **changes: Any) -> dict[str, Any]:
        """A captured payment of 10.00 EUR unless told otherwise."""
        status, answer = self.post("/v1/authorize", authorization(payment_method, **changes))
        assert status == 200, answer
        return answer

    def call(self, kind: str, **body: Any) -> dict[str, Any]:
        status, answer = self.post(f"/v1/{kind}", {"reference": new_reference(), **body})
        assert status == 200, answer
        return answer

    def look_up(self, reference: str) -> tuple[int, Any]:
        response = self.raw("GET", f"/v1/operations/{reference}")
        return response.status, json.loads(response.content)

    def journal(self, after: int = 0) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.raw("GET", f"/control/journal?after={after}").content.splitlines()]

    def effects(self, reference: str) -> list[str]:
        """The status of each journal line of that reference."""
        return [line["status"] for line in self.journal() if line["reference"] == reference]


def new_reference() -> str:
    return f"att_{uuid4().hex}"


def authorization(payment_method: str = "pm_card_visa", **changes: Any) -> dict[str, Any]:
    body = {"reference": new_reference(), "amount": 1000, "currency": "eur", "payment_method": payment_method, "capture": True}
    return body | changes
