"""A merchant's webhook endpoint: keeps every delivery, answers as told."""

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Delivery:
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict:
        return json.loads(self.body)


class Sink:
    """Listens on a free port of this machine until `close`."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                sink.deliveries.append(Delivery({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def wait_for(self, kind: str, object_id: str, seconds: float = 20.0) -> Delivery:
        """The first delivery of event type `kind` about `object_id`."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for delivery in self.deliveries:
                if delivery.event["type"] == kind and delivery.event["data"]["object"]["id"] == object_id:
                    return delivery
            time.sleep(0.05)
        raise AssertionError(f"no {kind} for {object_id} among {[d.event['type'] for d in self.deliveries]}")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
