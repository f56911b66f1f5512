"""Florin's flows on asyncpg: each step is one statement on a pooled connection."""

import asyncio
import re
import uuid
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import asyncpg
import orjson
from django.conf import settings

from apps.core import db, http
from apps.core.caching import cache
from apps.core.flow import Flow, Http, Rows, Sleep, Sql, Static, Step, T, Tuples

_PLACEHOLDER = re.compile(r"%\((\w+)\)s|%s|%%")
_pool: asyncpg.Pool | None = None


async def open_pool() -> None:
    """As many connections as each of Florin's workers has for hot endpoints."""
    global _pool
    entry, size = settings.DATABASES["default"], settings.HOT_LINES + db.WRITERS
    _pool = await asyncpg.create_pool(
        host=entry["HOST"], port=int(entry["PORT"]), user=entry["USER"], password=entry["PASSWORD"], database=entry["NAME"],
        min_size=size, max_size=size, init=_prepare, server_settings={"plan_cache_mode": "force_generic_plan"},
    )  # fmt: skip


async def close_pool() -> None:
    """Waits for connections in use, then closes."""
    if _pool is not None:
        await _pool.close()


async def _prepare(connection: asyncpg.Connection) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=lambda value: orjson.dumps(value).decode(), decoder=orjson.loads)
    # asyncpg's own UUID is a subclass, which a strict decoder does not take for the real one.
    await connection.set_type_codec("uuid", schema="pg_catalog", format="binary", encoder=_bytes_of, decoder=_uuid_of)


def _bytes_of(value: Any) -> bytes:
    return (value if isinstance(value, uuid.UUID) else uuid.UUID(value)).bytes


def _uuid_of(raw: bytes) -> uuid.UUID:
    return uuid.UUID(bytes=bytes(raw))


async def drive(flow: Flow[T]) -> T:
    """Runs `flow` to its end, as `apps.core.flow.arun` does on psycopg."""
    answer: Any = None
    failure: Exception | None = None
    try:
        while True:
            step = flow.throw(failure) if failure else flow.send(answer)
            answer, failure = None, None
            try:
                answer = await _perform(step)
            except Exception as error:  # noqa: BLE001  (handed to the flow, which decides)
                failure = error
    except StopIteration as end:
        return end.value


async def _perform(step: Step) -> Any:
    if isinstance(step, Sql):
        commands = db.encode([step.command])
        return orjson.loads(await _pool.fetchval(f"SELECT {step.function}($1::text::jsonb)::text", commands))[0]
    if isinstance(step, Rows):
        return await _query(step.statement, step.params)
    if isinstance(step, Tuples):
        return [tuple(row) for row in await _fetched(step.statement, step.params)]
    if isinstance(step, Static):
        return await _static(step)
    if isinstance(step, Http):
        return await http.asend(step.request)
    if isinstance(step, Sleep):
        return await asyncio.sleep(step.seconds)
    raise TypeError(f"no such step: {step}")


async def _static(step: Static) -> Any:
    """From the process's memory where Florin would take it from there."""
    value = cache.remembered(step.topic, step.key)
    return value if value is not None else cache.remember(step.topic, step.key, await _query(step.statement, step.params))


async def _query(statement: str, params: Sequence[Any] | dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in await _fetched(statement, params)]


async def _fetched(statement: str, params: Sequence[Any] | dict[str, Any]) -> list[asyncpg.Record]:
    if params:
        statement, names = _numbered(statement)
        params = [params[name] for name in names]
    return await _pool.fetch(statement, *params)


@lru_cache(maxsize=256)
def _numbered(statement: str) -> tuple[str, tuple[Any, ...]]:
    """The statement with $1, $2, … and what belongs there: keys of a dict or places of a sequence."""
    names: list[Any] = []

    def place(found: re.Match[str]) -> str:
        if found.group() == "%%":
            return "%"
        name = found.group(1) or len(names)
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _PLACEHOLDER.sub(place, statement), tuple(names)
