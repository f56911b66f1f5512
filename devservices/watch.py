"""Notice a program that keeps dying while we wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from devservices import supervisor
from devservices.errors import ProgramFailed
from devservices.files import tail
from devservices.layout import Layout

DEATHS_ALLOWED = 1
QUIET_S = 5.0


class Watch:
    """Counts the deaths of some programs from the moment it is made."""

    def __init__(self, layout: Layout, names: Iterable[str]) -> None:
        self.layout = layout
        self.seen: dict[str, set[int]] = {name: set() for name in names}
        self.changed_at = time.monotonic() - QUIET_S

    def look(self) -> None:
        """Raises when a program has died more often than a kill or a slow neighbour explains."""
        states = supervisor.program_states(self.layout)
        for name, pids in self.seen.items():
            pid = int(states[name]["pid"])
            if pid and pid not in pids:
                self.changed_at = time.monotonic() if pids else self.changed_at
                pids.add(pid)
            if len(pids) > DEATHS_ALLOWED + 1:
                raise self._failure(name, "keeps dying")

    def wait(self, ready: Callable[[], bool], *, program: str, patience_s: float) -> None:
        """Returns when `ready` and nothing has died for a moment; `program` is to blame when time is up."""
        deadline = time.monotonic() + patience_s
        while not (ready() and time.monotonic() - self.changed_at >= QUIET_S):
            self.look()
            if time.monotonic() > deadline:
                raise self._failure(program, f"was not ready within {patience_s:.0f} s")
            time.sleep(0.05)
        self.look()

    def _failure(self, name: str, what: str) -> ProgramFailed:
        log = self.layout.log(name)
        return ProgramFailed(f"{name} {what}. The end of {log}:\n\n{tail(log)}")
