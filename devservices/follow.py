"""Show logs: the end of each, then what is added, one prefix a program."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from devservices.files import tail
from devservices.layout import Layout

POLL_S = 0.25


class Log:
    """One growing file, which the supervisor may replace when it is full."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path
        self.offset = path.stat().st_size if path.exists() else 0

    def news(self) -> list[str]:
        """The whole lines added since the last call."""
        if not self.path.exists():
            return []
        if self.path.stat().st_size < self.offset:
            self.offset = 0
        with self.path.open("rb") as file:
            file.seek(self.offset)
            added = file.read()
        whole = added[: added.rfind(b"\n") + 1]
        self.offset += len(whole)
        return whole.decode("utf-8", "replace").splitlines()


def show(layout: Layout, names: Iterable[str], lines: int) -> None:
    """The last lines of each log have been printed."""
    for name in names:
        for line in tail(layout.log(name), lines).splitlines():
            _print(name, line)


def follow(layout: Layout, names: Iterable[str]) -> None:
    """Prints what is added to the logs, until interrupted."""
    logs = [Log(name, layout.log(name)) for name in names]
    while True:
        for log in logs:
            for line in log.news():
                _print(log.name, line)
        time.sleep(POLL_S)


def _print(name: str, line: str) -> None:
    print(f"{name:<8} | {line}", flush=True)
