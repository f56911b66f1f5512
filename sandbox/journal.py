"""The append-only journal: one JSON line an effect, durable before anybody is told of it.

Calls that are ready together share one write and one fsync. The loop stands still for that long, so whoever calls
meanwhile is in the next batch. A thread for the disk cost a fifth more processor time a call and answered no sooner.
"""

import asyncio
import fcntl
import os
import sys
from array import array
from pathlib import Path

import msgspec

from sandbox.shapes import Entry

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Entry)
# macOS has no fdatasync; elsewhere it saves the write of the modification time.
_SYNC = getattr(os, "fdatasync", os.fsync)
_IO_ERROR_EXIT = 74


class JournalError(Exception):
    """The journal cannot be used: another process has it, or a line that was acknowledged is damaged."""


class Journal:
    """One writer a directory. `append` is immediate and in memory; `durable` waits for the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.durable_seq = 0
        self._starts = array("Q")
        self._end = self._durable_end = 0
        self._gathered: list[bytes] = []
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def next_seq(self) -> int:
        return len(self._starts) + 1

    def open(self) -> list[Entry]:
        """The directory is ours until `close`, and every entry of earlier runs is returned in order."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(self.path.with_name("lock"))
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        data = self.path.read_bytes()
        entries, self._starts, self._end = _recover(data)
        if self._end < len(data):
            print(f"sandbox: dropped {len(data) - self._end} bytes of a torn last line", file=sys.stderr)
            os.ftruncate(self._fd, self._end)
        os.fsync(self._fd)
        _sync_directory(self.path.parent)
        self.durable_seq, self._durable_end = len(entries), self._end
        self._loop = asyncio.get_running_loop()
        return entries

    def append(self, entry: Entry) -> None:
        """The entry is in line for the disk; `entry.seq` must be `next_seq`."""
        line = _ENCODER.encode(entry) + b"\n"
        self._starts.append(self._end)
        self._end += len(line)
        if not self._gathered:
            # Not now but at the end of this turn of the loop: calls that are ready already join in.
            self._loop.call_soon(self._flush)
        self._gathered.append(line)

    async def durable(self, seq: int) -> None:
        """The entry of that number survives a crash from here on."""
        if seq > self.durable_seq:
            done = self._loop.create_future()
            self._waiting.append(done)
            await done

    def lines(self, after: int) -> tuple[int, int]:
        """Where the durable lines that follow entry `after` begin and end in the file, in bytes."""
        begin = self._starts[after] if after < self.durable_seq else self._durable_end
        return begin, self._durable_end

    def read(self, begin: int, end: int) -> bytes:
        return os.pread(self._fd, end - begin, begin)

    async def close(self) -> None:
        """All that was appended is durable and the directory is free for another process."""
        await self.durable(self.next_seq - 1)
        os.close(self._fd)
        os.close(self._lock)

    def _flush(self) -> None:
        """Everything gathered is on the disk, and those who wait for it go on."""
        data, self._gathered = b"".join(self._gathered), []
        try:
            _write(self._fd, data)
        except OSError as error:
            # What the disk now holds is unknown, so no further answer would be true: start again from the file.
            print(f"sandbox: journal write failed: {error}", file=sys.stderr, flush=True)
            os._exit(_IO_ERROR_EXIT)
        self.durable_seq, self._durable_end = self.next_seq - 1, self._end
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            if not done.done():
                done.set_result(None)


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
    _SYNC(fd)


def _lock(path: Path) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(fd)
        raise JournalError(f"{path.parent} is in use by another sandbox") from error
    return fd


def _recover(data: bytes) -> tuple[list[Entry], "array[int]", int]:
    """Entries, where each line starts, and where the last whole one ends."""
    entries: list[Entry] = []
    starts, end = array("Q"), 0
    whole = data.rfind(b"\n") + 1
    for line in data[:whole].splitlines(keepends=True):
        entry = _decode(line, number=len(entries) + 1, is_last=end + len(line) == len(data))
        if entry is None:
            break
        entries.append(entry)
        starts.append(end)
        end += len(line)
    return entries, starts, end


def _decode(line: bytes, *, number: int, is_last: bool) -> Entry | None:
    """None for a last line that a crash left unreadable: nobody was told of it. Damage elsewhere is refused."""
    try:
        entry = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if is_last:
            return None
        raise JournalError(f"journal line {number} is damaged: {error}") from error
    if entry.seq != number:
        raise JournalError(f"journal line {number} carries number {entry.seq}")
    return entry


def _sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
