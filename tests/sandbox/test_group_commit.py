"""Calls that are ready together share one fsync, and none goes on before it."""

import asyncio
import os

import pytest

from sandbox import journal as journal_module
from sandbox.journal import Journal
from sandbox.shapes import Entry


@pytest.fixture
def syncs(monkeypatch):
    """The number of bytes that were in the file at each real fsync."""
    seen = []

    def counted(fd):
        os.fsync(fd)
        seen.append(os.fstat(fd).st_size)

    monkeypatch.setattr(journal_module, "_SYNC", counted)
    return seen


async def test_a_hundred_calls_at_once_share_one_fsync(tmp_path, syncs):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.open()

    async def call():
        entry = Entry(seq=journal.next_seq, at="2026-10-01T00:00:00.000000Z", kind="clock", shift_us=0)
        journal.append(entry)
        await journal.durable(entry.seq)
        return syncs[-1] if syncs else 0

    synced = await asyncio.gather(*(call() for _ in range(100)))
    await journal.close()
    size = (tmp_path / "journal.jsonl").stat().st_size
    assert (syncs, set(synced)) == ([size], {size})


async def test_what_is_already_durable_waits_for_nothing(tmp_path, syncs):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.open()
    journal.append(Entry(seq=1, at="2026-10-01T00:00:00.000000Z", kind="clock", shift_us=0))
    await journal.durable(1)
    await asyncio.wait_for(journal.durable(1), timeout=0.001)
    await journal.close()
    assert len(syncs) == 1
