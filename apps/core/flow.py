"""Stories with outside calls in them, written once as generators and driven sync or async.

A flow yields requests (`Sql`, `Rows`, `Static`, `Http`, `Sleep`) and receives their answers; it does no I/O
itself. `run` drives it from Celery, the admin and DRF; `arun` from async views.
"""

import asyncio
import time
from collections.abc import Generator, Sequence
from typing import Any, TypeVar, cast

from msgspec import Struct

from apps.core import admission, db, http
from apps.core.caching import cache
from apps.core.db import batch
from apps.core.promise import Promise

T = TypeVar("T")


class Sql(Struct, frozen=True, gc=False):
    """One command for a write function; answered by its outcome."""

    function: str
    command: db.Command


class Rows(Struct, frozen=True, gc=False):
    """A read; answered by a list of dicts."""

    statement: str
    params: Sequence[Any] | dict[str, Any] = ()


class Static(Struct, frozen=True, gc=False):
    """A read of static data; answered by a list of dicts that is at most a second old (`core.caching.cache`)."""

    topic: str
    key: str
    statement: str
    params: Sequence[Any] | dict[str, Any] = ()


class Tuples(Struct, frozen=True, gc=False):
    """A read of named columns, to be rendered; answered by a list of tuples, whose ids, times and JSON
    may be as they are on the wire (`db.atuples`). For many columns and rows it costs a quarter of what dicts do, or less."""

    statement: str
    params: Sequence[Any] | dict[str, Any] = ()


class Http(Struct, frozen=True, gc=False):
    """A call to the outside world; answered by HttpReply, or HttpFailed is raised in the flow."""

    request: http.HttpRequest


class Sleep(Struct, frozen=True, gc=False):
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
    stop a payment half-way. `drain` waits for what is still going on.

    It runs in the caller's own task, because a task for each would cost more than all the steps; only
    the rest of a flow whose caller was cancelled gets one."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  (a coroutine is run by a task)
    _running.add(task)
    try:
        return await _carried_on(flow)
    finally:
        _running.discard(task)


async def _carried_on(flow: Flow[T], asked: asyncio.Future[Any] | None = None) -> T:
    """Drives `flow` to its end, first with what `asked` answers, if its last step was asked already."""
    answer: Any = None
    failure: Exception | None = None
    try:
        while True:
            if asked is None:
                step = flow.throw(failure) if failure else flow.send(answer)
                answer, failure = None, None
            try:
                asked = asked or _ask(step)
                answer = await (asked if isinstance(asked, Promise) else asyncio.shield(asked))
            except asyncio.CancelledError:
                if asked is not None and not _was_stopped(asked):
                    _hand_over(flow, asked)
                raise
            except Exception as error:  # noqa: BLE001  (handed to the flow, which decides)
                failure = error
            asked = None
    except StopIteration as end:
        return cast(T, end.value)


def _ask(step: Step) -> asyncio.Future[Any]:
    if type(step) is Sql:
        return batch.call(step.function, step.command)
    if type(step) is Http and (reply := http.begin(step.request)) is not None:
        admission.away()
        reply.add_done_callback(_back)  # before whoever waits for it goes on
        return reply
    return asyncio.ensure_future(_aperform(step))


def _back(reply: asyncio.Future[Any]) -> None:
    admission.back()


def _was_stopped(asked: asyncio.Future[Any]) -> bool:
    """Whether the step itself was cancelled, as at the end of a loop, and not who waits for it."""
    return asked.cancelled() or (asked.done() and isinstance(asked.exception(), asyncio.CancelledError))


def _hand_over(flow: Flow[Any], asked: asyncio.Future[Any]) -> None:
    """The rest of `flow` in a task that nobody waits for."""
    rest = asyncio.ensure_future(_carried_on(flow, asked))
    _running.add(rest)
    rest.add_done_callback(_finished)


def _finished(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    # Marks the exception as seen: the client has left, nobody else will look at it.
    if not task.cancelled():
        task.exception()


async def drain(seconds: float) -> int:
    """Waits up to `seconds` for shielded work; returns how many were still running then."""
    until = time.monotonic() + seconds
    # One that is cancelled meanwhile leaves its rest behind.
    while _running and (left := until - time.monotonic()) > 0:
        await asyncio.wait(set(_running), timeout=left)
    return len(_running)
