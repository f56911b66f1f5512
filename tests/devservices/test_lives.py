"""Starting, dying and stopping."""

import os
import signal
import socket
import time

import psutil
import psycopg


def seconds_until(answer, limit: float = 20.0) -> float:
    began = time.monotonic()
    while time.monotonic() - began < limit:
        try:
            answer()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return time.monotonic() - began
    raise AssertionError(f"not within {limit} s")


def is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def remember(stack) -> None:
    with stack.connect("DATABASE_OWNER_URL") as owner:
        owner.execute("CREATE TABLE remembered AS SELECT 42 AS answer")


def test_data_and_ports_survive_a_stop_that_leaves_no_process(services):
    remember(services)
    before, mine = services.env(), services.processes()
    services.must("services-down")
    assert [process for process in mine if is_alive(process)] == []
    assert services.run("status").returncode == 3
    services.must("services-up")
    assert services.env() == before
    assert services.value("SELECT answer FROM remembered") == 42


def test_two_stacks_run_side_by_side(services, stack):
    stack.must("services-up")
    assert services.env()["DATABASE_URL"] != stack.env()["DATABASE_URL"]
    with services.connect("DATABASE_OWNER_URL") as owner:
        owner.execute("CREATE TABLE only_here ()")
    assert stack.value("SELECT to_regclass('only_here')") is None
    assert services.value("SHOW port") != stack.value("SHOW port")
    stack.must("services-down")
    assert services.value("SELECT 1") == 1


def test_the_settings_are_printed_as_lines_for_a_shell(services):
    lines = dict(line.split("=", 1) for line in services.must("env").splitlines())
    assert lines == services.env()
    assert {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "PORT", "SANDBOX_URL", "EMAIL_PORT"} <= set(lines)


def test_a_second_start_finds_what_runs_and_leaves_it_alone(services):
    before = services.postmaster(), services.supervisor().pid
    services.must("services-up")
    assert (services.postmaster(), services.supervisor().pid) == before


def test_a_killed_postmaster_is_back_within_ten_seconds_also_when_a_query_was_running(services):
    busy = services.connect("DATABASE_OWNER_URL")
    busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 100000000000)")
    time.sleep(0.2)
    os.kill(services.postmaster(), signal.SIGKILL)
    url = services.env()["DATABASE_URL"]
    assert seconds_until(lambda: psycopg.connect(url, connect_timeout=2).close()) < 10
    busy.close()


def test_down_also_finds_what_a_killed_supervisor_left(services):
    services.supervisor().kill()
    assert services.processes("postgres")
    assert services.processes("redis")
    services.must("down")
    assert services.processes() == []


def test_a_start_after_the_supervisor_was_killed_keeps_data_and_ports(services):
    before, old = services.env(), services.supervisor()
    old.kill()
    services.must("services-up")
    assert services.env() == before
    assert services.supervisor().pid != old.pid
    assert services.value("SELECT 1") == 1


def test_a_server_that_cannot_start_is_named_with_the_end_of_its_log(stack):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        failed = stack.run("services-up", FLORIN_POSTGRES_PORT=str(taken.getsockname()[1]))
    assert failed.returncode == 1
    assert "postgres keeps dying" in failed.stderr
    assert "could not bind" in failed.stderr
    assert stack.processes() == []


def test_a_given_database_and_redis_are_used_instead_of_own_ones(stack):
    given = {"DATABASE_URL": "postgres://app:x@127.0.0.1:1/elsewhere", "REDIS_URL": "redis://127.0.0.1:2/0"}
    stack.must("services-up", **given)
    assert stack.processes("postgres") + stack.processes("redis") == []
    assert {name: stack.env()[name] for name in given} == given
    assert stack.env()["DATABASE_OWNER_URL"] == given["DATABASE_URL"]
