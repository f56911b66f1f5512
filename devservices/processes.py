"""Whose process is this? Found by what a process carries, never by a remembered number alone.

The supervisor and everything it starts carry FLORIN_STACK=<token> in their environment. The
servers overwrite theirs (and may belong to an account whose environment we cannot read), so they carry the token
in their title instead, and only a process of that name and account counts.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from devservices.accounts import service_account
from devservices.layout import Layout

if TYPE_CHECKING:
    from psutil import Process

MARK = "FLORIN_STACK"
PROGRAM = "FLORIN_PROGRAM"
SERVER_NAMES = {"postgres": ("postgres",), "redis": ("valkey-server", "redis-server"), "pgbouncer": ("pgbouncer",)}


def leftovers(layout: Layout, program: str | None = None) -> list[Process]:
    """Living processes of this stack (or of one program of it), without this one and its ancestors."""
    import psutil

    me = psutil.Process()
    spared = {me.pid, *(parent.pid for parent in me.parents())}
    found = (process for process in psutil.process_iter() if process.pid not in spared)
    return [process for process in found if _belongs(process, layout, program)]


def end(processes: Iterable[Process], *, polite_s: float = 5.0) -> None:
    """None of `processes` lives: asked first (TERM, a fast stop for PostgreSQL), then killed."""
    import psutil

    remaining = list(processes)
    for number, patience_s in ((signal.SIGTERM, polite_s), (signal.SIGKILL, 5.0)):
        for process in remaining:
            _signal(process, number)
        _, remaining = psutil.wait_procs(remaining, timeout=patience_s)
        remaining = [process for process in remaining if _alive(process)]
        if not remaining:
            return


def wait_until_gone(layout: Layout, program: str, patience_s: float) -> list[Process]:
    """What is left of `program` after `patience_s`; returns as soon as nothing is."""
    deadline = time.monotonic() + patience_s
    while (found := leftovers(layout, program)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _belongs(process: Process, layout: Layout, program: str | None) -> bool:
    import psutil

    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        server = _server_of(process, layout)
        if server is not None:
            return program in (None, server)
        carried = process.environ()
    except psutil.Error:
        return False
    return carried.get(MARK) == layout.token and program in (None, carried.get(PROGRAM))


def _server_of(process: Process, layout: Layout) -> str | None:
    """postgres, redis or pgbouncer when the process is this stack's, by name, account and title."""
    name = process.name()
    for server, names in SERVER_NAMES.items():
        if name in names and process.uids().effective == service_account().uid:
            title = " ".join(process.cmdline())
            return server if layout.token in title or str(layout.runtime) in title else None
    return None


def _signal(process: Process, number: signal.Signals) -> None:
    """Send `number`, unless the process has ended (psutil notices a reused process number)."""
    import psutil

    try:
        process.send_signal(signal.SIGINT if number == signal.SIGTERM and _is_postmaster(process) else number)
    except psutil.NoSuchProcess:
        return


def _is_postmaster(process: Process) -> bool:
    """To it TERM means "wait until all clients have left"; INT ends their sessions and stops cleanly."""
    return bool(process.name() == "postgres" and "-D" in process.cmdline())


def _alive(process: Process) -> bool:
    import psutil

    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def is_supervisor(process: Process) -> bool:
    """True for the one that starts the others again."""
    import psutil

    try:
        return bool("supervisor.supervisord" in process.cmdline())
    except psutil.Error:
        return False
