"""supervisord: generate its configuration, start it away from the terminal, talk to it, stop it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Iterable
from contextlib import suppress
from http.client import HTTPException
from typing import Any

from devservices import processes
from devservices.errors import StackError
from devservices.files import own_directory, tail, write_atomically
from devservices.layout import REPOSITORY, Layout
from devservices.programs import Program

HEAD = """\
[unix_http_server]
file = {socket}
chmod = 0700

[supervisord]
identifier = {token}
logfile = {logs}/supervisord.log
logfile_maxbytes = 5MB
logfile_backups = 1
pidfile = {run}/supervisord.pid
childlogdir = {logs}
silent = true
{user}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
# startsecs 0: a program that dies is started again within a second, however often; the linear back-off
# that supervisord applies otherwise would outlast the ten seconds in which a killed PostgreSQL must be back.
PROGRAM = """
[program:{name}]
command = {python} -m devservices.guard {name}
directory = {repository}
environment = {program_variable}="{name}"
priority = {priority}
autostart = {autostart}
autorestart = true
startsecs = 0
stopsignal = {stop_signal}
stopwaitsecs = {stop_wait_s}
stopasgroup = false
killasgroup = true
redirect_stderr = true
stdout_logfile = {log}
stdout_logfile_maxbytes = 20MB
stdout_logfile_backups = 2
"""
FAULT_ALREADY_STARTED = 60
STOP_PATIENCE_S = 45.0
RUNNING = ("STARTING", "RUNNING", "BACKOFF")


def configuration(layout: Layout, programs: Iterable[Program]) -> str:
    """The text of supervisord.conf: servers start with the supervisor, applications when told."""
    head = HEAD.format(
        socket=_literal(str(layout.supervisor_socket)),
        token=layout.token,
        logs=_literal(str(layout.logs)),
        run=_literal(str(layout.state / "run")),
        user="user = root" if os.geteuid() == 0 else "",
    )
    return head + "".join(_section(layout, program) for program in programs)


def start(layout: Layout, configuration_text: str) -> None:
    """A supervisor in a session of its own answers on its socket."""
    own_directory(layout.supervisor_socket.parent)
    own_directory(layout.state / "run")
    write_atomically(layout.supervisor_conf, configuration_text)
    with layout.log("supervisord-start").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(layout.supervisor_conf)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=REPOSITORY, start_new_session=True,
            env={**os.environ, processes.MARK: layout.token, "FLORIN_STATE_DIR": str(layout.state)},
        )  # fmt: skip
    deadline = time.monotonic() + 15
    while not is_alive(layout):
        if process.poll() is not None or time.monotonic() > deadline:
            raise StackError(f"the supervisor did not start:\n{tail(layout.log('supervisord-start'))}")
        time.sleep(0.03)


def is_alive(layout: Layout) -> bool:
    """True when a supervisor of this stack answers."""
    if not layout.supervisor_socket.exists():
        return False
    try:
        return bool(_remote(layout).getState()["statename"] == "RUNNING")
    except (OSError, HTTPException, xmlrpc.client.Error):
        return False


def start_programs(layout: Layout, names: Iterable[str]) -> None:
    """Each of `names` has been told to run; those that already do are left alone."""
    remote = _remote(layout)
    for name in names:
        try:
            remote.startProcess(name, False)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != FAULT_ALREADY_STARTED:
                raise


def stop_programs(layout: Layout, names: Iterable[str]) -> None:
    """Each of `names` has ended, as orderly as in any stop; the supervisor and the servers go on."""
    _stop_together(layout, set(names))


def program_states(layout: Layout) -> dict[str, dict[str, Any]]:
    """Name → what the supervisor knows (statename, pid, start, description)."""
    return {info["name"]: info for info in _remote(layout).getAllProcessInfo()}


def stop(layout: Layout, groups: Iterable[Iterable[str]]) -> None:
    """Each group of programs has stopped before the next was asked to, then the supervisor has gone.

    (By itself supervisord stops one program after the other, a second or more for each.)
    """
    try:
        for group in groups:
            _stop_together(layout, set(group))
        _remote(layout).shutdown()
    except (OSError, HTTPException, xmlrpc.client.Error):
        return
    _wait(lambda: not is_running(layout))


def _stop_together(layout: Layout, names: set[str]) -> None:
    """Asks again while anything runs: what had just died may have been started once more."""

    def all_stopped() -> bool:
        running = [name for name, info in program_states(layout).items() if name in names and info["statename"] in RUNNING]
        for name in running:
            with suppress(xmlrpc.client.Fault):  # it has ended by itself meanwhile
                _remote(layout).stopProcess(name, False)
        return not running and not names & stopping(layout)

    _wait(all_stopped)


def stopping(layout: Layout) -> set[str]:
    """The programs that were asked to stop and have not yet."""
    return {name for name, info in program_states(layout).items() if info["statename"] == "STOPPING"}


def _wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + STOP_PATIENCE_S
    while not done() and time.monotonic() < deadline:
        time.sleep(0.05)


def is_running(layout: Layout) -> bool:
    """True while the supervisor's own process lives, also when it no longer answers."""
    return any(processes.is_supervisor(process) for process in processes.leftovers(layout))


def _remote(layout: Layout) -> Any:
    from supervisor.xmlrpc import SupervisorTransport

    transport = SupervisorTransport(None, None, serverurl=f"unix://{layout.supervisor_socket}")
    return xmlrpc.client.ServerProxy("http://localhost", transport=transport).supervisor


def _section(layout: Layout, program: Program) -> str:
    return PROGRAM.format(
        name=program.name,
        python=_literal(shlex.quote(sys.executable)),
        repository=_literal(str(REPOSITORY)),
        program_variable=processes.PROGRAM,
        priority=1 if program.is_server else 100,
        autostart="true" if program.is_server else "false",
        stop_signal=program.stop_signal,
        stop_wait_s=program.stop_wait_s,
        log=_literal(str(layout.log(program.name))),
    )


def _literal(text: str) -> str:
    """supervisord expands %(…)s in values."""
    return text.replace("%", "%%")
