"""Ports: chosen once a stack, written down, kept for as long as nobody else takes them."""

from __future__ import annotations

import json
import os
import random
import socket

from devservices.files import write_atomically
from devservices.layout import Layout

NAMES = ("web", "sandbox", "mailbox", "postgres", "redis", "pgbouncer")
# Below the range from which Linux (32768) and macOS (49152) draw the client's end of a connection:
# otherwise a passing client could sit on a server's port while the server restarts.
CANDIDATES = range(15_000, 32_000)


def recorded(layout: Layout) -> dict[str, int]:
    """The ports written down, empty before the first start."""
    path = layout.state / "ports.json"
    if not path.exists():
        return {}
    return {name: int(port) for name, port in json.loads(path.read_text()).items()}


def settle(layout: Layout) -> dict[str, int]:
    """Every name has a port that is free now; the choice of the last start is kept where it can be."""
    before, chosen = recorded(layout), dict[str, int]()
    for name in NAMES:
        chosen[name] = _port_for(name, before.get(name), taken=set(chosen.values()))
    if chosen != before:
        write_atomically(layout.state / "ports.json", json.dumps(chosen, indent=2) + "\n", mode=0o644)
    return chosen


def is_free(port: int) -> bool:
    """True when a server could listen on `port` of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that is free now and that no passing client will be given."""
    return _port_for("", None, taken=set())


def _port_for(name: str, before: int | None, *, taken: set[int]) -> int:
    asked = os.environ.get(f"FLORIN_{name.upper()}_PORT")
    if asked:
        return int(asked)
    if before is not None and before not in taken and is_free(before):
        return before
    while True:
        port = random.choice(CANDIDATES)
        if port not in taken and is_free(port):
            return port
