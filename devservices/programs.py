"""What the supervisor runs: the servers, and the lines of the Procfile."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from devservices.layout import REPOSITORY

SERVERS = ("postgres", "redis", "pgbouncer")


@dataclass(frozen=True)
class Program:
    """How one program is stopped; what it runs is looked up when it starts."""

    name: str
    stop_signal: str = "TERM"
    stop_wait_s: int = 10

    @property
    def is_server(self) -> bool:
        """Servers start first and stop last."""
        return self.name in SERVERS


# INT is PostgreSQL's fast stop: sessions end, data are flushed. Web drains for 30 s; a worker finishes what it holds.
STOPS = {
    "postgres": Program("postgres", stop_signal="INT", stop_wait_s=30),
    "web": Program("web", stop_wait_s=35),
    "worker": Program("worker", stop_wait_s=35),
}


def procfile() -> dict[str, str]:
    """The command line of each program of the Procfile."""
    lines = (REPOSITORY / "Procfile").read_text().splitlines()
    pairs = (line.split(":", 1) for line in lines if line.strip() and not line.startswith("#"))
    return {name.strip(): command.strip() for name, command in pairs}


def programs(servers: tuple[str, ...]) -> list[Program]:
    """Every program of a stack that runs `servers` itself."""
    return [STOPS.get(name, Program(name)) for name in (*servers, *procfile())]


def application_command(name: str, environment: dict[str, str]) -> list[str]:
    """The Procfile's words for `name`, with $VARIABLES filled in from `environment`."""
    words = shlex.split(procfile()[name])
    return [_filled(word, environment) for word in words]


def _filled(word: str, environment: dict[str, str]) -> str:
    from string import Template

    return Template(word).substitute(environment) if "$" in word else word
