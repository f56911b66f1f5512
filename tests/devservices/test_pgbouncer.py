"""PgBouncer: a member of the stack on request, and beside a database for tests and benchmarks."""

import signal
import stat

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from devservices import pgbouncer, ports
from devservices.errors import BinaryMissing

try:
    PROGRAM = pgbouncer.program()
except BinaryMissing as missing:
    pytest.skip(str(missing), allow_module_level=True)


def port_of(url: str) -> int:
    return int(conninfo_to_dict(url)["port"])


@pytest.mark.parametrize(("wish", "hot"), [("on", "postgres"), ("all", "pgbouncer")])
def test_on_request_the_application_goes_through_and_migrations_do_not(stack, wish, hot):
    stack.must("services-up", FLORIN_PGBOUNCER=wish)
    chosen, found = ports.recorded(stack.layout), stack.env()
    assert port_of(found["DATABASE_URL"]) == chosen["pgbouncer"]
    assert port_of(found["DATABASE_OWNER_URL"]) == chosen["postgres"]
    assert port_of(found["HOT_DATABASE_URL"]) == chosen[hot]
    assert found["DATABASE_POOLED"] == "1"
    assert stack.value("SELECT current_user") == "florin_app"
    assert [process.name() for process in stack.processes("pgbouncer")] == ["pgbouncer"]
    stack.must("services-down")
    assert stack.processes() == []


def test_without_the_request_nothing_of_it_is_there(services):
    assert services.processes("pgbouncer") == []
    assert not {"DATABASE_POOLED", "DATABASE_DIRECT_URL", "HOT_DATABASE_URL"} & set(services.env())


def test_passwords_are_readable_by_the_servers_account_only(stack):
    stack.must("services-up", FLORIN_PGBOUNCER="on")
    userlist = stack.layout.runtime / "pgbouncer-users.txt"
    assert stat.S_IMODE(userlist.stat().st_mode) == 0o600
    with pytest.raises(psycopg.OperationalError, match=r"SASL|password|login"):
        stack.connect(password="wrong")


def test_a_killed_one_is_back_and_serves(stack):
    stack.must("services-up", FLORIN_PGBOUNCER="on")
    (killed,) = stack.processes("pgbouncer")
    killed.kill()
    killed.wait(10)
    stack.must("services-up", FLORIN_PGBOUNCER="on")
    assert stack.value("SELECT 1") == 1
    assert stack.processes("pgbouncer")[0].pid != killed.pid


def test_one_beside_a_running_database_can_die_and_come_back(services):
    with pgbouncer.beside(services.env()["DATABASE_URL"], pool_size=3) as bouncer:
        for number in (signal.SIGTERM, signal.SIGKILL):
            bouncer.end(number)
            bouncer.start()
        with psycopg.connect(bouncer.url) as connection:
            assert connection.execute("SHOW lock_timeout").fetchone() == ("2s",)
        assert bouncer.ask("SHOW CONFIG")
        assert bouncer.environment()["DATABASE_URL"] == bouncer.url
        folder = bouncer.folder
    assert not folder.exists()


def test_an_unknown_wish_is_refused_in_words(stack):
    assert "on, all or off" in stack.run("services-up", FLORIN_PGBOUNCER="perhaps").stderr


def test_it_is_not_put_before_a_server_that_is_not_ours(stack):
    failed = stack.run("services-up", FLORIN_PGBOUNCER="on", DATABASE_URL="postgres://a:b@127.0.0.1:1/x")
    assert failed.returncode == 1
    assert "own PostgreSQL" in failed.stderr


@pytest.mark.parametrize(("said", "known"), [("PgBouncer 1.18.0", (1, 18)), ("PgBouncer 1.24.1", (1, 24))])
def test_prepared_statements_are_kept_where_the_version_follows_them(tmp_path, said, known):
    program = tmp_path / "pgbouncer"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    assert pgbouncer.version(program) == known
    text = pgbouncer.configuration(program, behind=("127.0.0.1", 1), listen_port=2, userlist=tmp_path)
    assert ("max_prepared_statements" in text) == (known >= pgbouncer.PREPARES_FROM)


def test_quotes_in_a_password_are_doubled():
    assert pgbouncer.users({"a": 'p"w'}) == '"a" "p""w"\n'
