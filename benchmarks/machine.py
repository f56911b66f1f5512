"""What the machine did meanwhile: whose CPU time was used, and what it is made of."""

import os
import platform
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import redis
from django.conf import settings

# Of all time the machine had: taken by other machines, and by processes that are not ours.
MAX_STEAL, MAX_FOREIGN = 0.05, 0.10
Groups = dict[str, list[int]]


@dataclass(frozen=True)
class Moment:
    """CPU seconds up to now: by group of processes, of the whole machine (busy, stolen, all)."""

    groups: dict[str, float]
    busy: float
    stolen: float
    total: float


def now(groups: Groups) -> Moment:
    """`groups` names the root processes of each group; their descendants count with them."""
    busy, stolen, total = _whole()
    return Moment({name: sum(tree_seconds(pid) for pid in roots) for name, roots in groups.items()}, busy, stolen, total)


def tree_seconds(pid: int) -> float:
    """CPU seconds of a process and all its descendants, the dead ones included."""
    try:
        root = psutil.Process(pid)
        return sum(_own_seconds(process) for process in (root, *root.children(recursive=True)))
    except psutil.NoSuchProcess:
        return 0.0


def _own_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system + getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)


def _whole() -> tuple[float, float, float]:
    """Interrupts are left out of what is busy: nobody's clock has them."""
    times = psutil.cpu_times()
    stolen = getattr(times, "steal", 0.0)
    idle = times.idle + getattr(times, "iowait", 0.0)
    busy = times.user + times.nice + times.system
    return busy, stolen, busy + idle + stolen + getattr(times, "irq", 0.0) + getattr(times, "softirq", 0.0)


@dataclass(frozen=True)
class Spent:
    """Between two moments: seconds by group, and the shares of the machine that others had."""

    groups: dict[str, float]
    steal: float
    foreign: float

    @property
    def is_disturbed(self) -> bool:
        return self.steal > MAX_STEAL or self.foreign > MAX_FOREIGN


def between(before: Moment, after: Moment) -> Spent:
    total = max(after.total - before.total, 1e-9)
    groups = {name: max(after.groups[name] - before.groups[name], 0.0) for name in before.groups}
    foreign = max(after.busy - before.busy - sum(groups.values()), 0.0)
    return Spent(groups, (after.stolen - before.stolen) / total, foreign / total)


def postgres_pid() -> int:
    """The postmaster, if it is on this machine; 0 otherwise."""
    with psycopg.connect(settings.DATABASE_OWNER_DSN) as owner:
        backend = owner.execute("SELECT pg_backend_pid()").fetchone()[0]
        try:
            return psutil.Process(backend).ppid()
        except psutil.NoSuchProcess:
            return 0


def redis_pid() -> int:
    return int(redis.Redis.from_url(settings.REDIS_URL).info("server")["process_id"])


def resident_mb(pid: int) -> list[float]:
    """Resident megabytes (millions of bytes) of each worker below a master."""
    return [child.memory_info().rss / 1e6 for child in psutil.Process(pid).children()]


def described() -> dict[str, object]:
    """The machine, the builds and the settings that figures were taken with."""
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_version()}, {_python_build()}",
        "postgresql": _postgres(),
        "web workers": int(os.environ.get("WEB_CONCURRENCY") or 2),
    }


def _python_build() -> str:
    """An unoptimised CPython is 1.2 to 1.7 times slower. Distributions optimise theirs by a step that leaves no trace in its flags."""
    flags = f"{sysconfig.get_config_var('CONFIG_ARGS')} {sysconfig.get_config_var('PY_CFLAGS')}"
    if "--enable-optimizations" in flags or "-fprofile-use" in flags:
        return "optimised (PGO)"
    return "the distribution's build" if sys.base_prefix == "/usr" else "not an optimised build (no PGO)"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or sys.platform
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _postgres() -> str:
    names = ("server_version", "shared_buffers", "fsync", "synchronous_commit", "full_page_writes", "max_wal_size", "max_connections")
    with psycopg.connect(settings.DATABASE_OWNER_DSN) as owner:
        values = {name: owner.execute("SELECT current_setting(%s)", [name]).fetchone()[0] for name in names}
    version = values.pop("server_version").split()[0]
    return f"{version}; " + ", ".join(f"{name} {value}" for name, value in values.items())
