"""Statement files on disk, under names that are the hash of what they hold.

A name says nothing about whose file it is and never changes its content; what is written is on disk
before anybody is told of it."""

import hashlib
import os
import tempfile
from pathlib import Path

from apps.statements import selectors


def store(content: bytes, *, suffix: str) -> str:
    """The content is durably stored; returns its SHA-256. Storing it twice stores it once."""
    sha256 = hashlib.sha256(content).hexdigest()
    target = selectors.path(sha256, suffix=suffix)
    if not _holds(target, sha256):
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(target, content)
    return sha256


def read(sha256: str, *, suffix: str) -> bytes | None:
    """The stored content; None when it is missing or damaged."""
    target = selectors.path(sha256, suffix=suffix)
    content = target.read_bytes() if target.is_file() else None
    return content if content is not None and hashlib.sha256(content).hexdigest() == sha256 else None


def _holds(target: Path, sha256: str) -> bool:
    return target.is_file() and hashlib.sha256(target.read_bytes()).hexdigest() == sha256


def _write(target: Path, content: bytes) -> None:
    # Under another name first: a reader, or whoever comes after a crash, sees all of it or nothing.
    handle, temporary = tempfile.mkstemp(dir=target.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o640)
        Path(temporary).replace(target)
    finally:
        Path(temporary).unlink(missing_ok=True)
    _sync_directory(target.parent)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
