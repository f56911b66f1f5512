"""What others call for PostgreSQL outside the ORM.

A write function takes an array of commands and returns one outcome per command, in order. Sync
code calls it on Django's connection (so inside whatever transaction is open), async code on the
process's lines (always autocommitted: nothing is ever open across an await).
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

import msgspec
import orjson
from django.conf import settings
from django.db import connection
from psycopg import AsyncConnection
from psycopg import sql as pgsql

from apps.core.db import pipeline

Command = dict[str, Any]
Outcome = dict[str, Any]
Row = dict[str, Any]

# json and jsonb: Django's connection leaves them as text, the pool's do not.
_JSON_OIDS = frozenset({114, 3802})

# Connections a process for batches of writes: one for each that may be under way.
WRITERS = 2
_lines: pipeline.Lines | None = None
_writers: pipeline.Lines | None = None


# Rows, ids and times go into a command as they are: they are turned into JSON once, in C.
encode_command = msgspec.json.Encoder(enc_hook=str).encode


def encode(commands: Sequence[Command]) -> str:
    """The JSON array that a write function takes; what JSON has no form for (ids, times) as its text."""
    return encode_command(commands).decode()


def call(function: str, commands: Sequence[Command]) -> list[Outcome]:
    """The outcomes of `function(commands)` on Django's connection."""
    with connection.cursor() as cursor:
        cursor.execute(_calling(function), [encode(commands)])
        return cast(list[Outcome], orjson.loads(cursor.fetchone()[0]))


@lru_cache(maxsize=200)
def _calling(function: str, lock_ms: int | None = None) -> str:
    called = f"{function}(%s::jsonb)::text"
    if lock_ms is not None:
        called = f"CASE WHEN set_config('lock_timeout', '{lock_ms}ms', true) <> '' THEN {called} END"
    return f"SELECT {called}"  # lint: allow sql-text because callers name functions of ours


def query(statement: str, params: Sequence[Any] | dict[str, Any] = ()) -> list[Row]:
    """Rows as dicts, on Django's connection. A statement without params may hold bare `%`."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params or None)
        columns = cursor.description or ()
        readers = [(column.name, _read_json if column.type_code in _JSON_OIDS else None) for column in columns]
        rows = cursor.fetchall() if columns else []
    return [{name: read(value) if read else value for (name, read), value in zip(readers, row, strict=True)} for row in rows]


def _read_json(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str) else value


async def acall(function: str, commands: bytes, *, lock_ms: int | None = None) -> list[Outcome]:
    """The outcomes of `function(commands)`, committed. `commands` is a JSON array; what a flow asks for
    comes here through apps.core.db.batch. `lock_ms`: how long it waits for a lock at most, where not as long as the role may."""
    found = await (_writers or _open_writers()).ask(_calling(function, lock_ms), [commands.decode()])
    return cast(list[Outcome], orjson.loads(found.rows[0][0]))


async def atuples(statement: str, params: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
    """Rows as tuples in the order of the columns, on one of the process's lines: ids as their 16 bytes, times as
    microseconds since 2000, jsonb as its text behind a byte."""
    return (await (_lines or _open_lines()).ask(statement, params, raw=True)).rows


async def aquery(statement: str, params: Sequence[Any] | dict[str, Any] = ()) -> list[Row]:
    """Rows as dicts, on one of the process's lines (apps.core.db.pipeline)."""
    found = await (_lines or _open_lines()).ask(statement, params)
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def _open_lines() -> pipeline.Lines:
    """Connects with the first question."""
    global _lines
    # A pooler takes no options with a connection.
    _lines = _made(settings.HOT_LINES, plan_once=not settings.HOT_POOLED)
    return _lines


def _open_writers() -> pipeline.Lines:
    """Connects with the first batch. Apart from the reads, which would wait behind a batch."""
    global _writers
    _writers = _made(WRITERS)
    return _writers


def _made(count: int, *, plan_once: bool = False) -> pipeline.Lines:
    dsn, prepare = settings.HOT_DATABASE_DSN, settings.HOT_PREPARE
    return pipeline.Lines(dsn, count=count, prepare=prepare, wait_s=settings.HOT_WAIT_S, plan_once=plan_once)


async def close_lines() -> None:
    """Waits for what is under way, then closes (ASGI lifespan end)."""
    global _lines, _writers
    open_ones, _lines, _writers = (_lines, _writers), None, None
    for lines in open_ones:
        if lines is not None:
            await lines.close()


class Line:
    """A connection outside the pool, for control work that must get through however busy the pool is. It
    is opened when it is first needed, and anew after it broke; for one caller at a time."""

    def __init__(self) -> None:
        self._conn: AsyncConnection[Any] | None = None

    async def call(self, function: str, commands: Sequence[Command]) -> list[Outcome]:
        """The outcomes of `function(commands)`, committed."""
        statement = pgsql.SQL("SELECT {}(%s::jsonb)::text").format(pgsql.Identifier(function))
        conn = self._conn or await AsyncConnection.connect(
            settings.DATABASE_DIRECT_DSN,
            autocommit=True,
            prepare_threshold=2 if settings.HOT_PREPARE else None,
            application_name="florin-line",
        )
        self._conn = None
        try:
            row = await (await conn.execute(statement, [encode(commands)])).fetchone()
        except BaseException:
            await conn.close()  # whatever it was doing, nobody reads that answer any more
            raise
        self._conn = conn
        return cast(list[Outcome], orjson.loads(row[0])) if row else []

    async def close(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            await conn.close()
