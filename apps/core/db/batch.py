"""Group commit: calls of one SQL write function that come while another is under way become one call.

One statement, one commit, one fsync for all of them, and rows that all of them touch are locked once.
Nothing waits for a timer: a process that has nothing under way sends at once, so a lone call is a
batch of one, and the busier the process the larger its batches.

Every command has its own outcome. Where a statement fails as a whole it has changed nothing, and its
commands are sent again in halves until the culprit stands alone and alone gets the error. Where somebody
holds a row for long, the halves wait for it no more than a moment each, because the innocent among them
wait too, and so do the batches of the next seconds. A lost connection is different: what became of the
commands is not known, so each of them gets the error.

The queue is bounded in length and in time: what cannot be sent in time was never started, and says so.
"""

import asyncio
import random
import time
from collections import deque
from typing import Any

import psycopg
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure

from apps.core import db, known
from apps.core.errors import Overloaded
from apps.core.promise import Promise

# One at a time, so that the next of every function gathers: half of what PostgreSQL does for a call of three commands
# is done once a call. A second one, of another function, only beside one that takes so long (seconds) that it must be
# waiting for somebody's lock or for the disk, and not working.
IN_FLIGHT = db.WRITERS
PATIENCE_S = 0.05
LARGEST = 64
# Once a batch has waited for a lock in vain (the role's lock_timeout), its parts wait so long each, and HOT_WAIT_S together;
# the batches that are sent within WARY_S wait so from the start, as the row is probably still held.
LOCK_MS = 100
WARY_S = 2.0
_TRIES = 3


class Outcome(Promise[db.Outcome]):
    """What becomes of a command."""


class _Call:
    """One command on its way: `text` is it as JSON, `until` (monotonic) when it must have been sent."""

    __slots__ = ("answer", "text", "until")

    def __init__(self, text: bytes, answer: Outcome, until: float) -> None:
        self.text, self.answer, self.until = text, answer, until


class Batcher:
    """The batches of one event loop. Functions with calls waiting take turns."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.waiting: dict[str, deque[_Call]] = {}
        self.queued = 0
        self.under_way: dict[str, float] = {}  # function → when its batch was sent (monotonic)
        self.wary_until = 0.0  # monotonic
        self._due = False
        self._watch: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, function: str, command: db.Command) -> Outcome:
        """The future outcome of `command`.  Raises: Overloaded when the queue is full."""
        if self.queued >= known.settings.HOT_QUEUE:
            raise Overloaded()
        call = _Call(db.encode_command(command), Outcome(loop=self.loop), time.monotonic() + known.settings.HOT_WAIT_S)
        self.waiting.setdefault(function, deque()).append(call)
        self.queued += 1
        if self.under_way:
            self._watch_queue()
        elif not self._due:
            # Not now: whoever else the loop has ready to run joins this batch.
            self._due = True
            self.loop.call_soon(self._send)
        return call.answer

    def _send(self) -> None:
        """Sends batches while there are calls waiting that may go."""
        self._due = False
        for function in list(self.waiting):
            if self._may_go(function) and (calls := self._taken(function)):
                self.under_way[function] = time.monotonic()
                task = self.loop.create_task(self._carry(function, calls))
                self._tasks.add(task)
                task.add_done_callback(self._carried)
        if self.waiting:
            self._watch_queue()

    def _may_go(self, function: str) -> bool:
        if not self.under_way:
            return True
        is_stuck = time.monotonic() - max(self.under_way.values()) >= PATIENCE_S
        return is_stuck and function not in self.under_way and len(self.under_way) < IN_FLIGHT

    def _taken(self, function: str) -> list[_Call]:
        """The next batch of `function`, which goes to the end of the line if more are waiting."""
        queue = self.waiting.pop(function)
        taken = [queue.popleft() for _ in range(min(LARGEST, len(queue)))]
        self.queued -= len(taken)
        if queue:
            self.waiting[function] = queue
        return [call for call in taken if not call.answer.done()]

    def _look_after(self) -> None:
        """Calls that waited too long were never started, and are told so; what waits beside a stuck batch goes."""
        self._watch, now = None, time.monotonic()
        for function, queue in list(self.waiting.items()):
            while queue and queue[0].until <= now:
                self.queued -= 1
                _fail([queue.popleft()], Overloaded())
            if not queue:
                del self.waiting[function]
        if self.waiting:
            self._send()

    def _watch_queue(self) -> None:
        if self._watch is None:
            self._watch = self.loop.call_later(min(known.settings.HOT_WAIT_S / 4, PATIENCE_S), self._look_after)

    def _carried(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self.waiting:
            self._send()

    def _patience(self) -> float | None:
        now = time.monotonic()
        return now + known.settings.HOT_WAIT_S if now < self.wary_until else None

    async def _carry(self, function: str, calls: list[_Call]) -> None:
        """Every call has its answer afterwards, whatever happens."""
        try:
            if await _commit(function, calls, self._patience()):
                self.wary_until = time.monotonic() + WARY_S
        except BaseException as error:
            _fail(calls, error)
            if not isinstance(error, Exception):
                raise
        finally:
            del self.under_way[function]


async def _commit(function: str, calls: list[_Call], held_until: float | None) -> bool:
    """Whether somebody holds a row that some of `calls` need. If so much is known before, what could not be written until
    `held_until` (monotonic) is given up."""
    if held_until is not None and time.monotonic() >= held_until:
        _fail(calls, LockNotAvailable("somebody holds a row for too long"))
        return True
    try:
        outcomes = await _executed(function, calls, lock_ms=None if held_until is None else LOCK_MS)
    except (psycopg.Error, Overloaded) as error:
        is_held = isinstance(error, LockNotAvailable)
        if len(calls) == 1 or not _rolled_back(error):
            _fail(calls, error)
            return is_held
        if is_held and held_until is None:
            held_until = time.monotonic() + known.settings.HOT_WAIT_S
        half = len(calls) // 2
        return any([is_held, await _commit(function, calls[:half], held_until), await _commit(function, calls[half:], held_until)])
    for call, outcome in zip(calls, outcomes, strict=True):
        if not call.answer.done():
            call.answer.set_result(outcome)
    return False


def _rolled_back(error: Exception) -> bool:
    """Whether one of the commands broke the statement, which then changed nothing."""
    is_general = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | Overloaded)
    return not is_general or isinstance(error, LockNotAvailable)


async def _executed(function: str, calls: list[_Call], *, lock_ms: int | None) -> list[db.Outcome]:
    """The outcomes. A deadlock or a serialization failure has changed nothing: tried again, up to
    three times, after a moment that differs from the other's."""
    commands = b"[" + b",".join([call.text for call in calls]) + b"]"
    for left in reversed(range(_TRIES)):
        try:
            return await db.acall(function, commands, lock_ms=lock_ms)
        except (DeadlockDetected, SerializationFailure):
            if not left:
                raise
            await asyncio.sleep(random.uniform(0.005, 0.03))
    raise AssertionError("unreachable")


def _fail(calls: list[_Call], error: BaseException) -> None:
    """Each call that has no answer yet gets `error`, as an object of its own: a traceback grows where
    it is raised."""
    for call in calls:
        if not call.answer.done():
            call.answer.set_exception(another(error))


def another(error: BaseException) -> BaseException:
    """The same error once more, made without its constructor, which may want other arguments."""
    made = type(error).__new__(type(error), *error.args)
    made.__dict__.update(error.__dict__)
    return made


_batcher: Batcher | None = None


def call(function: str, command: dict[str, Any]) -> Outcome:
    """The outcome of `command`, committed together with whatever else this process is about to write.

    Raises: Overloaded (nothing was started), psycopg errors (of OperationalError and InterfaceError the
    outcome is not known)."""
    global _batcher
    loop = asyncio.get_running_loop()
    if _batcher is None or _batcher.loop is not loop:
        _batcher = Batcher(loop)
    return _batcher.submit(function, command)
