"""Identical reads at the same time are one read.

Who asks while the same read is under way cannot have its result: that statement may have been sent before
a commit of which the asker already knows. So those who ask meanwhile wait, and share the next run, which
begins after all of them have asked: at most one run per key at a time, as in group commit.
"""

import asyncio
from collections.abc import Hashable
from typing import Any, TypeVar, cast

from apps.core.db.batch import another
from apps.core.flow import Flow, arun

T = TypeVar("T")
_Askers = list[tuple["asyncio.Future[Any]", Flow[Any]]]

# Every key whose read is under way, and who has asked since it began.
_under_way: dict[Hashable, _Askers] = {}
_runs: set[asyncio.Task[None]] = set()


async def shared(key: Hashable, flow: Flow[T]) -> T:
    """What `flow` finds, or another flow under the same `key` that began no earlier than this call. The
    result is everybody's: not to be changed. Raises what the flow raises, each an exception of its own."""
    askers = _under_way.get(key)
    if askers is None:
        _under_way[key] = []
        try:
            return await arun(flow)
        finally:
            _ended(key)
    asker: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    askers.append((asker, flow))
    return cast(T, await asker)


def _ended(key: Hashable) -> None:
    """Those who have asked meanwhile get a run of their own, which none of them can cancel."""
    askers = [(asker, flow) for asker, flow in _under_way.pop(key) if not asker.done()]
    if askers:
        _under_way[key] = []
        run = asyncio.ensure_future(_run(key, askers))
        _runs.add(run)
        run.add_done_callback(_runs.discard)


async def _run(key: Hashable, askers: _Askers) -> None:
    try:
        found = await arun(askers[0][1])
    except BaseException as error:
        for asker, _ in askers:
            if not asker.done():
                asker.set_exception(another(error))
        if not isinstance(error, Exception):
            raise
    else:
        for asker, _ in askers:
            if not asker.done():
                asker.set_result(found)
    finally:
        _ended(key)
