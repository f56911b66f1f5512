"""The first thing every supervised program runs: `python -m devservices.guard <program>`.

It makes room (whatever an earlier, killed run of the same program left behind is ended first), then turns
into the program. A killed gunicorn master leaves workers on the port, a killed postmaster leaves backends
on the data: in both cases the next start would fail, or worse, share.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from devservices import envfile, layout, processes, programs
from devservices.accounts import service_account
from devservices.layout import REPOSITORY, Layout
from devservices.postgres import plain_environment

# An orphaned backend notices its postmaster's death by itself; one in the middle of a query may not.
ORPHANS_LEAVE_WITHIN_S = 1.0


def main(name: str) -> None:
    """This process has become `name`."""
    stack = layout.current()
    make_room(stack, name)
    _raise_file_limit()
    if name in programs.SERVERS:
        become_server(stack, name)
    become_application(stack, name)


def make_room(stack: Layout, name: str) -> None:
    """No earlier run of `name` is alive, and no stale lock file names somebody else's process."""
    processes.end(processes.wait_until_gone(stack, name, ORPHANS_LEAVE_WITHIN_S), polite_s=3.0)
    if name == "postgres":
        remove_stale_lock(stack.pgdata / "postmaster.pid")


def remove_stale_lock(lock: Path) -> None:
    """PostgreSQL will not refuse to start because its old process number now belongs to another program.

    That happens in containers, where numbers are small and start over. None of ours is alive at this
    point, so whoever has the number is not a postmaster of this data directory.
    """
    import psutil

    if lock.exists():
        words = lock.read_text().split()
        if words and words[0].isdigit() and psutil.pid_exists(int(words[0])):
            lock.unlink()


def become_server(stack: Layout, name: str) -> None:
    """Drops root's rights, then runs the server with nothing of our environment."""
    command = json.loads((stack.state / "servers.json").read_text())[name]
    os.chdir(stack.runtime)
    service_account().become()
    os.execve(command[0], command, plain_environment())


def become_application(stack: Layout, name: str) -> None:
    """Runs the Procfile's line with the stack's settings and the virtual environment's programs first."""
    environment = {**os.environ, **envfile.read(stack), "PYTHONUNBUFFERED": "1"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    command = programs.application_command(name, environment)
    os.chdir(REPOSITORY)
    os.execvpe(command[0], command, environment)


def _raise_file_limit() -> None:
    """As many open files (so connections) as the machine grants, up to 65,536."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if most == resource.RLIM_INFINITY else min(most, 65_536)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    except (ValueError, OSError):  # macOS promises more than the kernel gives
        return


if __name__ == "__main__":
    main(sys.argv[1])
