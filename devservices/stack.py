"""Bring a stack up, look at it, take it down."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from devservices import binaries, envfile, passwords, pgbouncer, ports, postgres, processes, redis_server, supervisor
from devservices.errors import StackError
from devservices.files import locked, own_directory, write_atomically
from devservices.layout import Layout
from devservices.programs import SERVERS, procfile, programs
from devservices.watch import Watch

SERVER_PATIENCE_S = 30.0
OVERRIDES = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}


@dataclass(frozen=True)
class Plan:
    """What this start decided."""

    ports: dict[str, int]
    passwords: dict[str, str]
    servers: tuple[str, ...]
    environment: dict[str, str]


@contextmanager
def exclusively(layout: Layout) -> Iterator[None]:
    """Nobody else starts or stops this stack meanwhile."""
    layout.state.parent.mkdir(parents=True, exist_ok=True)
    own_directory(layout.state)
    with locked(layout.state / "lock"):
        yield


@contextmanager
def all_or_nothing(layout: Layout) -> Iterator[None]:
    """What fails to start completely is taken down again, so that nothing half-started sits on ports."""
    try:
        yield
    except (StackError, KeyboardInterrupt):
        stop(layout)
        raise


def start_servers(layout: Layout) -> Plan:
    """The supervisor runs, the servers answer, roles and database exist, settings are written."""
    servers = _servers()
    text = supervisor.configuration(layout, programs(servers))
    running = supervisor.is_alive(layout) and _unchanged(layout, text)
    if not running:
        stop(layout)  # before ports are chosen: what a killed supervisor left sits on ours
        _forget_orphaned_data(layout)
    plan = _plan(layout, servers, running)
    if not running:
        _prepare_servers(layout, plan)
        supervisor.start(layout, text)
    envfile.write(layout, plan.environment)
    _wait_for_servers(layout, plan)
    return plan


def _servers() -> tuple[str, ...]:
    """Those that the environment does not give, and PgBouncer when it is asked for."""
    own = [name for name in OVERRIDES if not os.environ.get(OVERRIDES[name])]
    if not pgbouncer.asked_for():
        return tuple(own)
    if "postgres" not in own:
        raise StackError(f"{pgbouncer.SETTING} goes with the stack's own PostgreSQL, but DATABASE_URL names another")
    return (*own, "pgbouncer")


def _forget_orphaned_data(layout: Layout) -> None:
    """Data whose state directory was deleted, and with it every password, are of no use to anybody."""
    if not (layout.state / "secrets.json").exists():
        shutil.rmtree(layout.runtime, ignore_errors=True)


def stop(layout: Layout) -> None:
    """No process of the stack lives, also when its supervisor was killed before."""
    if supervisor.is_alive(layout):
        supervisor.stop(layout, [procfile(), SERVERS])
    found = processes.leftovers(layout)
    # The supervisor first: it would start again what we end.
    processes.end(process for process in found if processes.is_supervisor(process))
    processes.end(processes.leftovers(layout), polite_s=10.0)
    layout.supervisor_socket.unlink(missing_ok=True)


def _plan(layout: Layout, servers: tuple[str, ...], running: bool) -> Plan:
    for folder in (layout.logs, layout.mailbox, layout.files, layout.state / "static"):
        own_directory(folder)
    chosen = ports.recorded(layout) if running else ports.settle(layout)
    known = passwords.settle(layout)
    return Plan(chosen, known, servers, envfile.settings(layout, chosen, known))


def _unchanged(layout: Layout, text: str) -> bool:
    return layout.supervisor_conf.exists() and layout.supervisor_conf.read_text() == text


def _prepare_servers(layout: Layout, plan: Plan) -> None:
    """Data directory and configuration files exist; servers.json says what the guard has to run."""
    commands = {}
    if "postgres" in plan.servers:
        found = binaries.postgres_bin()
        password = plan.passwords["superuser"]
        postgres.prepare(layout, binaries=found, port=plan.ports["postgres"], superuser_password=password)
        commands["postgres"] = postgres.command(layout, found)
    if "redis" in plan.servers:
        server = binaries.redis_server()
        redis_server.prepare(layout, port=plan.ports["redis"], password=plan.passwords["redis"])
        commands["redis"] = redis_server.command(layout, server)
    if "pgbouncer" in plan.servers:
        pooler = pgbouncer.program()
        pgbouncer.prepare(layout, pooler, ports=plan.ports, passwords=plan.passwords)
        commands["pgbouncer"] = pgbouncer.command(layout, pooler)
    write_atomically(layout.state / "servers.json", json.dumps(commands, indent=2) + "\n")


def _wait_for_servers(layout: Layout, plan: Plan) -> None:
    watch = Watch(layout, plan.servers)
    if "redis" in plan.servers:
        port, password = plan.ports["redis"], plan.passwords["redis"]
        watch.wait(lambda: redis_server.answers(port, password), program="redis", patience_s=SERVER_PATIENCE_S)
    if "postgres" in plan.servers:
        port, password = plan.ports["postgres"], plan.passwords["superuser"]
        watch.wait(lambda: postgres.answers(port, password), program="postgres", patience_s=SERVER_PATIENCE_S)
        postgres.set_up(port=port, passwords=plan.passwords)
    if "pgbouncer" in plan.servers:
        port, password = plan.ports["pgbouncer"], plan.passwords["pooler"]
        watch.wait(lambda: pgbouncer.answers(port, password), program="pgbouncer", patience_s=SERVER_PATIENCE_S)
