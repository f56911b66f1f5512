"""Stories with outside calls in them, written once as generators and driven sync or async.

A flow yields requests (`Sql`, `Rows`, `Static`, `Http`, `Sleep`) and receives their answers; it does no I/O
itself. `run` drives it from Celery, the admin and DRF; `arun` from async views.
"""

import asyncio
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from apps.core import admission, batch, cache, db, http

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sql:
    """One command for a write function; answered by its outcome."""

    function: str
    command: db.Command


@dataclass(frozen=True, slots=True)
class Rows:
    """A read; answered by a list of dicts."""

    statement: str
    params: Sequence[Any] | dict[str, Any] = ()


@dataclass(frozen=True, slots=True)
class Static:
    """A read of static data; answered by a list of dicts that is at most a second old (`core.cache`)."""

    topic: str
    key: str
    statement: str
    params: Sequence[Any] | dict[str, Any] = ()


@dataclass(frozen=True, slots=True)
class Tuples:
    """A read of named columns, to be rendered; answered by a list of tuples, whose ids may be their 16 bytes.
    For many columns and rows it costs a quarter of what dicts of UUIDs do."""

    statement: str
    params: Sequence[Any] | dict[str, Any] = ()


@dataclass(frozen=True, slots=True)
class Http:
    """A call to the outside world; answered by HttpReply, or HttpFailed is raised in the flow."""

    request: http.HttpRequest


@dataclass(frozen=True, slots=True)
class Sleep:
    seconds: float


Step = Sql | Rows | Tuples | Static | Http | Sleep
Flow = Generator[Step, Any, T]


def run(flow: Flow[T]) -> T:
    """Drives `flow` to its end on this thread."""
    answer: Any = None
    failure: Exception | None = None
    try:
        while True:
            step = flow.throw(failure) if failure else flow.send(answer)
            answer, failure = None, None
            try:
                answer = _perform(step)
            except Exception as error:  # noqa: BLE001  (handed to the flow, which decides)
                failure = error
    except StopIteration as end:
        return cast(T, end.value)


async def arun(flow: Flow[T]) -> T:
    """Drives `flow` to its end on the running event loop."""
    answer: Any = None
    failure: Exception | None = None
    try:
        while True:
            step = flow.throw(failure) if failure else flow.send(answer)
            answer, failure = None, None
            try:
                answer = await _aperform(step)
            except Exception as error:  # noqa: BLE001  (handed to the flow, which decides)
                failure = error
    except StopIteration as end:
        return cast(T, end.value)


def _perform(step: Step) -> Any:
    if isinstance(step, Sql):
        return db.call(step.function, [step.command])[0]
    if isinstance(step, Rows):
        return db.query(step.statement, step.params)
    if isinstance(step, Tuples):
        return [tuple(row.values()) for row in db.query(step.statement, step.params)]
    if isinstance(step, Static):
        return cache.through(step.topic, step.key, lambda: db.query(step.statement, step.params))
    if isinstance(step, Http):
        return http.send(step.request)
    return time.sleep(step.seconds)


async def _aperform(step: Step) -> Any:
    if isinstance(step, Sql):
        return await batch.call(step.function, step.command)
    if isinstance(step, Rows):
        return await db.aquery(step.statement, step.params)
    if isinstance(step, Tuples):
        return await db.atuples(step.statement, step.params)
    if isinstance(step, Static):
        return await _aread(step)
    admission.away()
    try:
        return await (http.asend(step.request) if isinstance(step, Http) else asyncio.sleep(step.seconds))
    finally:
        admission.back()


async def _aread(step: Static) -> Any:
    """The process's own value or PostgreSQL's: a process asks at most about once a second for each."""
    value = cache.remembered(step.topic, step.key)
    if value is None:
        value = await db.aquery(step.statement, step.params)
        if value:
            cache.remember(step.topic, step.key, value)
    return value


_running: set[asyncio.Task[Any]] = set()


async def arun_shielded(flow: Flow[T]) -> T:
    """Like `arun`, but the work goes on when the caller is cancelled: a client that leaves cannot
    stop a payment half-way. `drain` waits for what is still going on."""
    task = asyncio.ensure_future(arun(flow))
    _running.add(task)
    task.add_done_callback(_finished)
    return await asyncio.shield(task)


def _finished(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    # Marks the exception as seen: when the client has left, nobody else will look at it.
    if not task.cancelled():
        task.exception()


async def drain(seconds: float) -> int:
    """Waits up to `seconds` for shielded work; returns how many were still running then."""
    if _running:
        await asyncio.wait(set(_running), timeout=seconds)
    return len(_running)
