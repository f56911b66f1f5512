"""Statements of the event loop: each goes out at once, on a few connections in libpq's pipeline mode.

A pool lends a whole connection to one statement at a time, and in doing so costs six times the CPU time
(195 µs against 33, benchmarks/notes/profiles.md). Here a statement goes out as soon as it is asked, behind those
that are under way on the same connection, and the answers come back in order. Each statement ends with a
sync of its own: it is a transaction of its own, and its failure touches no other.
"""

import asyncio
import re
import select
import time
from collections import deque
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import orjson
import psycopg
from django.conf import settings
from msgspec import Struct
from psycopg import pq
from psycopg.adapt import Buffer, Loader, PyFormat, Transformer
from psycopg.conninfo import make_conninfo
from psycopg.types.numeric import Int8BinaryLoader
from psycopg.types.string import ByteaBinaryLoader

from apps.core.caching import kept
from apps.core.errors import Overloaded

Params = Sequence[Any] | Mapping[str, Any]
Tuples = list[tuple[Any, ...]]

# Statements that are prepared on one connection; more are sent whole.
MAX_PREPARED = 500
MAX_WAITING = 2_000
# Left to itself PostgreSQL plans a page with its relations anew each time, which costs more than reading it. A plan
# for any parameters must not believe in an average merchant: it follows indexes, and reads no more than it gives back.
_PLAN_ONCE = "-c plan_cache_mode=force_generic_plan" + "".join(
    f" -c enable_{way}=off" for way in ("seqscan", "bitmapscan", "sort", "incremental_sort", "hashjoin", "mergejoin")
)
_BINARY = pq.Format.BINARY
_PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|s|%)")
_EMPTY = b"\x01{}"  # after the version of the format
_IDLE = pq.ExecStatus.PIPELINE_SYNC
_FAILED = pq.ExecStatus.FATAL_ERROR
_FOUND = pq.ExecStatus.TUPLES_OK
# PgBouncer knows only the one that PostgreSQL translates.
_SEVERITY, _SEVERITY_SHOWN = pq.DiagnosticField.SEVERITY_NONLOCALIZED, pq.DiagnosticField.SEVERITY


class Found(Struct, frozen=True):
    """What a statement found: the names of its columns and its rows, in that order."""

    columns: tuple[str, ...]
    rows: Tuples


class _Asked:
    """A statement that is under way."""

    __slots__ = ("answer", "at", "prepared", "result", "transformer")

    def __init__(self, answer: "asyncio.Future[Found]", at: float, transformer: Any) -> None:
        self.answer, self.at, self.transformer = answer, at, transformer
        # The key of its name on the connection; its last result so far.
        self.prepared: Any = None
        self.result: Any = None


class Line:
    """One connection in pipeline mode, for one event loop."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], *, prepare: bool, wait_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._connection, self._pg = connection, connection.pgconn
        self._socket = self._pg.socket
        self._prepare, self._wait_s = prepare, wait_s
        self._waiting: deque[_Asked] = deque()
        self._names: dict[Any, bytes] = {}
        self._named, self._is_writing, self._is_ending = 0, False, False
        self._columns: dict[Any, tuple[str, ...]] = {}
        self._transformer = _transformer(connection)
        self._raw_transformer = _transformer(connection, raw=True)
        self._pg.nonblocking = 1
        self._pg.enter_pipeline_mode()
        self._unasked = select.poll()
        self._unasked.register(self._socket, select.POLLIN)
        self._loop.add_reader(self._socket, self._read)

    @classmethod
    async def open(cls, dsn: str, *, prepare: bool, wait_s: float, plan_once: bool = False) -> "Line":
        """`plan_once` as for `Lines`.  Raises: psycopg.OperationalError."""
        options = {"options": _PLAN_ONCE} if plan_once else {}
        connection = await psycopg.AsyncConnection.connect(
            make_conninfo(dsn, application_name="florin-hot", **options, **settings.DATABASE_PATIENCE), autocommit=True
        )
        return cls(connection, prepare=prepare, wait_s=wait_s)

    @property
    def waiting(self) -> int:
        """How many statements are under way."""
        return len(self._waiting)

    def is_open(self) -> bool:
        """Whether the connection is there, as far as can be known: what arrived on it while nobody had
        asked for anything is the server's farewell, and is heard before anything is sent."""
        if not self._waiting and self._pg.status == pq.ConnStatus.OK and self._unasked.poll(0):
            self._read()
        return bool(self._pg.status == pq.ConnStatus.OK)

    def ask(self, statement: str, params: Params, *, raw: bool = False) -> "asyncio.Future[Found]":
        """Sends the statement; its answer will be there. `raw`: ids, times and
        JSON as they are on the wire, which costs a third. Raises: Overloaded, before anything was sent."""
        now = time.monotonic()
        if self._waiting and (len(self._waiting) >= MAX_WAITING or now - self._waiting[0].at > self._wait_s):
            raise Overloaded()
        text, names = _numbered(statement) if params else (statement.encode(), ())
        values = [params[name] for name in names] if isinstance(params, Mapping) else params
        asked = _Asked(self._loop.create_future(), now, self._raw_transformer if raw else self._transformer)
        self._waiting.append(asked)
        try:
            self._send(text, values, asked)
        except psycopg.OperationalError as error:
            self.break_off(error)
        return asked.answer

    def _send(self, text: bytes, values: Sequence[Any], asked: _Asked) -> None:
        turned, pg = self._transformer, self._pg
        dumped = turned.dump_sequence(values, [PyFormat.AUTO] * len(values)) if values else None
        types, formats = (turned.types, turned.formats) if values else (None, None)
        key = (text, types)
        name = self._names.get(key)
        if name is None and self._prepare and len(self._names) < MAX_PREPARED:
            self._named += 1
            name = self._names[key] = b"f%d" % self._named
            pg.send_prepare(name, text, types)
        if name is None:
            pg.send_query_params(text, dumped, types, formats, _BINARY)
        else:
            asked.prepared = key
            pg.send_query_prepared(name, dumped, formats, _BINARY)
        pg.pipeline_sync()
        self._flush()

    def _flush(self) -> None:
        """Sends what the socket did not take at once, as soon as it takes more."""
        try:
            is_writing = bool(self._pg.flush())
        except psycopg.Error as error:
            self.break_off(error)
            return
        if is_writing and not self._is_writing:
            self._loop.add_writer(self._socket, self._flush)
        elif self._is_writing and not is_writing:
            self._loop.remove_writer(self._socket)
        self._is_writing = is_writing

    def _read(self) -> None:
        """Takes what has arrived, and answers those whose answer it is."""
        pg, waiting = self._pg, self._waiting
        try:
            pg.consume_input()
            while waiting and not pg.is_busy():
                result = pg.get_result()
                if result is not None:
                    self._take(result)
                elif pg.status != pq.ConnStatus.OK:
                    break  # nothing more will come
        except psycopg.Error as error:
            self.break_off(error)
            return
        if self._is_ending or pg.status != pq.ConnStatus.OK:
            self.break_off(psycopg.OperationalError("the connection is lost"))

    def _take(self, result: Any) -> None:
        status, asked = result.status, self._waiting[0]
        if status == _IDLE:
            self._waiting.popleft()
            if not asked.answer.done():
                self._answer(asked)
        elif status in (_FOUND, _FAILED) or asked.result is None:
            asked.result = result
            if status == _FAILED and b"FATAL" in (result.error_field(_SEVERITY), result.error_field(_SEVERITY_SHOWN)):
                # The server's last words. That the socket was closed may never be seen: libuv stops looking at one that was reset.
                self._is_ending = True

    def _answer(self, asked: _Asked) -> None:
        result = asked.result
        try:
            if result.status == _FAILED:
                # A statement that failed may have failed to be prepared: it is prepared anew next time.
                self._names.pop(asked.prepared, None)
                raise psycopg.errors.error_from_result(result)
            asked.answer.set_result(self._found(result, asked.prepared, asked.transformer))
        except Exception as error:  # noqa: BLE001  (whoever asked decides)
            asked.answer.set_exception(error)

    def _found(self, result: Any, prepared: Any, transformer: Any) -> Found:
        if result.status != _FOUND:
            return Found((), [])
        columns = self._columns.get(prepared)
        if columns is None:
            columns = tuple([(result.fname(number) or b"").decode() for number in range(result.nfields)])
            if prepared is not None:
                self._columns[prepared] = columns
        transformer.set_pgresult(result)
        return Found(columns, transformer.load_rows(0, result.ntuples, tuple))

    async def close(self) -> None:
        """Waits for what is under way, then closes."""
        under_way = [asked.answer for asked in self._waiting]
        if under_way:
            await asyncio.wait(under_way)
        self.break_off(psycopg.InterfaceError("the connection is closed"))

    def break_off(self, error: Exception) -> None:
        """Closes the connection; whoever waits for an answer has `error`."""
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._pg.finish()
        waiting, self._waiting = self._waiting, deque()
        for asked in waiting:
            if not asked.answer.done():
                asked.answer.set_exception(error)


class Lines:
    """The process's lines. What breaks is opened again: at once when nothing else is left, otherwise
    beside the work. `plan_once`: a statement that is prepared is planned for any parameters, not anew for each."""

    def __init__(self, dsn: str, *, count: int, prepare: bool, wait_s: float, plan_once: bool = False) -> None:
        self._open_one = partial(Line.open, dsn, prepare=prepare, wait_s=wait_s, plan_once=plan_once)
        self._count, self._closed = count, False
        self._lines: list[Line] = []
        self._opening: asyncio.Task[None] | None = None

    async def ask(self, statement: str, params: Params, *, raw: bool = False) -> Found:
        """What the statement found; `raw` as for a line. Raises: Overloaded (nothing was started), psycopg.Error."""
        lines = [line for line in self._lines if line.is_open()]
        if len(lines) < self._count:
            opening = self._open_missing(lines)
            if not lines:
                await asyncio.shield(opening)
        line = min(self._lines, key=_load, default=None)
        if line is None:
            raise psycopg.OperationalError("the connection was lost as soon as it was open")
        return await line.ask(statement, params, raw=raw)

    def _open_missing(self, lines: list[Line]) -> "asyncio.Task[None]":
        self._lines = lines
        if self._opening is None or self._opening.done():
            self._opening = asyncio.ensure_future(self._opened())
            # Marks a failure as seen: where another line is left, nobody waits for this one.
            self._opening.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._opening

    async def _opened(self) -> None:
        while len(self._lines) < self._count and not self._closed:
            line = await self._open_one()
            kept.forget_all()
            self._lines = [*self._lines, line]

    async def close(self) -> None:
        """Waits for what is under way, then closes."""
        self._closed = True
        for line in self._lines:
            await line.close()
        self._lines = []


class _JsonbLoader(Loader):
    """jsonb by orjson. Most such columns hold an empty object."""

    format = _BINARY

    def load(self, data: Buffer) -> Any:
        return {} if data == _EMPTY else orjson.loads(memoryview(data)[1:])


def _transformer(connection: psycopg.AsyncConnection[Any], *, raw: bool = False) -> Any:
    # A cursor has adapters of its own.
    cursor = connection.cursor()
    cursor.adapters.register_loader("jsonb", _JsonbLoader)
    if raw:
        cursor.adapters.register_loader("uuid", ByteaBinaryLoader)
        cursor.adapters.register_loader("jsonb", ByteaBinaryLoader)
        cursor.adapters.register_loader("timestamptz", Int8BinaryLoader)
    return Transformer(cursor)


def _load(line: Line) -> int:
    return line.waiting


@lru_cache(maxsize=1024)
def _numbered(statement: str) -> tuple[bytes, tuple[str, ...]]:
    """The statement with PostgreSQL's own placeholders, and the names of its parameters in their order.
    Percent signs are doubled only where there are parameters, as everywhere."""
    names: list[str] = []
    unnamed = 0

    def number(found: "re.Match[str]") -> str:
        nonlocal unnamed
        if found.group() == "%%":
            return "%"
        name = found.group(1)
        if name is None:
            unnamed += 1
            return f"${unnamed}"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _PLACEHOLDER.sub(number, statement).encode(), tuple(names)
