"""The rivals of the benchmark: who they are, how they start, and what they are asked for.

    from benchmarks import contenders

    for rival in contenders.ALL:
        targets = rival.prepare(florin_targets)              # keys, accounts and intents that this one knows
        process = Popen(rival.command(port), env=os.environ | rival.environment(), cwd=ROOT)
        ...                                                  # GET rival.ready until it answers 200
        process.terminate()
    contenders.clean()                                       # what `prepare` made is gone

They take the requests that Florin takes (form-encoded, `Authorization: Bearer`, `Idempotency-Key`) and
answer in its shapes, so one load generator drives all: POST /v1/payment_intents (also `confirm=true`),
POST /v1/transfers, GET /v1/payment_intents/{id}, GET /v1/payment_intents?limit=20 (also with
`expand[]=data.latest_charge`, …) and GET /v1/balance.

`DATABASE_URL`, `DATABASE_OWNER_URL` and `SANDBOX_URL` come from the environment or, where they are not
set, from the state directory's `env`, as for Florin itself. WEB_CONCURRENCY is the number of workers
(2). Gunicorn's sync workers close the connection after every answer and say so (`Connection: close`):
whoever drives them opens a new one and does not count that as an error.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Targets:
    """What the loads use. The first of `keys` has money and `intents` to read; `accounts` are those of
    the other keys, in their order, and may be transferred to."""

    keys: list[str]
    accounts: list[str]
    intents: list[str]


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One implementation of the five endpoints. `settings` are environment variables on top of the
    caller's; `prepare` takes Florin's targets and returns this contender's."""

    name: str
    argv: Callable[[int], list[str]]
    prepare: Callable[[Targets], Targets]
    settings: dict[str, str] = field(default_factory=dict)
    ready: str = "/readyz"

    def command(self, port: int) -> list[str]:
        """What to start, in the repository's root; it listens on 127.0.0.1:`port`."""
        return self.argv(port)

    def environment(self) -> dict[str, str]:
        return {"WEB_CONCURRENCY": os.environ.get("WEB_CONCURRENCY") or "2"} | self.settings


def clean() -> None:
    """Removes what the contenders made for themselves. Harmless where there is nothing."""
    from benchmarks import classic

    classic.clean()


def _classic(*more: str) -> Callable[[int], list[str]]:
    start = [str(BIN / "gunicorn"), "benchmarks.classic.wsgi:application", "--config", "python:benchmarks.classic.serving"]
    return lambda port: [*start, "--bind", f"127.0.0.1:{port}", *more]


def _lay_classic(florin: Targets) -> Targets:
    from benchmarks import classic

    return classic.lay()


def _fastapi(port: int) -> list[str]:
    workers = os.environ.get("WEB_CONCURRENCY") or "2"
    return [
        str(BIN / "uvicorn"), "benchmarks.peers.fastapi_asyncpg.app:app", "--host", "127.0.0.1", "--port", str(port),
        "--workers", workers, "--log-level", "error", "--no-access-log",
    ]  # fmt: skip


CLASSIC = Contender(name="classic", argv=_classic(), prepare=_lay_classic, settings={"CONN_MAX_AGE": "0"})
CLASSIC_PERSISTENT = Contender(name="classic persistent", argv=_classic(), prepare=_lay_classic, settings={"CONN_MAX_AGE": "600"})
CLASSIC_THREADS = Contender(
    name="classic threads",
    argv=_classic("--worker-class", "gthread", "--threads", "8"),
    prepare=_lay_classic,
    settings={"CONN_MAX_AGE": "600"},
)
FASTAPI = Contender(
    name="FastAPI + asyncpg", argv=_fastapi, prepare=lambda florin: florin, settings={"DJANGO_SETTINGS_MODULE": "config.settings.dev"}
)
ALL = (CLASSIC, CLASSIC_PERSISTENT, CLASSIC_THREADS, FASTAPI)
