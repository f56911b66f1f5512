"""Files and directories nobody else may have put there for us."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devservices.errors import UntrustedPath


def own_directory(path: Path, mode: int = 0o700, uid: int | None = None, gid: int | None = None) -> Path:
    """`path` is a real directory of `uid` (default: us) that no one else can write to, with `mode`."""
    owner = os.geteuid() if uid is None else uid
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        refuse_foreign(path, owner)
    else:
        if owner != os.geteuid():
            os.chown(path, owner, owner if gid is None else gid)
    os.chmod(path, mode)
    return path


def refuse_foreign(path: Path, owner: int) -> None:
    """Raise unless `path` is a directory (no link) of `owner` that group and others cannot write."""
    facts = os.lstat(path)
    if not stat.S_ISDIR(facts.st_mode):
        raise UntrustedPath(f"{path} is not a directory: remove it and start again")
    if facts.st_uid != owner:
        raise UntrustedPath(f"{path} belongs to uid {facts.st_uid}, not {owner}: remove it and start again")
    if facts.st_mode & 0o022 and not facts.st_mode & stat.S_ISVTX:
        raise UntrustedPath(f"{path} can be written by others: remove it and start again")


def write_atomically(path: Path, text: str, mode: int = 0o600, uid: int | None = None) -> None:
    """`path` holds `text`, wholly or not at all, whoever is killed; it belongs to `uid` (default: us)."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            if uid is not None and uid != os.geteuid():
                os.fchown(file.fileno(), uid, -1)
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one process at a time is inside, however many start at once."""
    import fcntl

    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def tail(path: Path, lines: int = 25) -> str:
    """The last `lines` of a log, or a remark that there is none."""
    if not path.exists():
        return f"({path} was not written)"
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64_000))
        text = file.read().decode("utf-8", "replace")
    return "\n".join(text.splitlines()[-lines:])
