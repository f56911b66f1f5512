"""Who may do what on the servers a stack starts."""

import stat

import psycopg
import pytest
import redis
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict


def test_the_application_connects_with_the_password_that_was_written_down(services):
    assert services.value("SELECT current_user") == "florin_app"
    assert services.value("SELECT current_database()") == "florin"


def test_a_wrong_password_is_refused(services):
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        services.connect(password="wrong")


def test_passwords_are_kept_as_scram_verifiers_and_travel_over_the_loopback_only(services):
    facts = conninfo_to_dict(services.env()["DATABASE_URL"])
    assert facts["host"] == "127.0.0.1"
    hba = (services.layout.runtime / "pg_hba.conf").read_text().split("\n")
    assert {line.split()[-1] for line in hba if line} == {"scram-sha-256"}
    assert services.value("SHOW listen_addresses") == "127.0.0.1"


def test_what_a_commit_promised_survives_a_crash(services):
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert services.value(f"SHOW {setting}") == "on"


def test_the_application_may_use_the_owners_tables_but_not_reshape_them(services):
    with services.connect("DATABASE_OWNER_URL") as owner:
        owner.execute("CREATE TABLE things (id bigint GENERATED ALWAYS AS IDENTITY, name text)")
    with services.connect() as app:
        app.execute("INSERT INTO things (name) VALUES ('one')")
        for forbidden in ("CREATE TABLE mine ()", "ALTER TABLE things ADD extra text", "TRUNCATE things"):
            with pytest.raises(errors.InsufficientPrivilege):
                app.execute(forbidden)
    assert services.value("SELECT count(*) FROM things") == 1


def test_a_database_made_later_starts_with_the_same_privileges(services):
    with services.connect("DATABASE_OWNER_URL") as owner:
        owner.execute("CREATE DATABASE later")
    with services.connect("DATABASE_OWNER_URL", dbname="later") as owner:
        owner.execute("CREATE TABLE things (name text)")
    with services.connect(dbname="later") as app:
        app.execute("INSERT INTO things VALUES ('one')")
        with pytest.raises(errors.InsufficientPrivilege):
            app.execute("DROP TABLE things")


def test_the_application_gives_up_on_locks_and_forgotten_transactions(services):
    limits = {name: services.value(f"SHOW {name}") for name in ("lock_timeout", "idle_in_transaction_session_timeout")}
    assert limits == {"lock_timeout": "2s", "idle_in_transaction_session_timeout": "10s"}


def test_redis_asks_for_its_password_and_refuses_work_rather_than_forgetting_it(services):
    url = services.env()["REDIS_URL"]
    assert redis.Redis.from_url(url).config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    nobody = redis.Redis.from_url(f"redis://{url.split('@')[1]}", retry=None)
    with pytest.raises(redis.AuthenticationError):
        nobody.ping()


def test_files_with_passwords_are_readable_by_their_owner_only(services):
    for name in ("env", "secrets.json", "supervisord.conf"):
        assert stat.S_IMODE((services.layout.state / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(services.layout.pgdata.stat().st_mode) == 0o700


def test_no_server_runs_with_roots_rights(services):
    servers = services.processes("postgres") + services.processes("redis")
    assert len(servers) > 2
    assert all(process.uids().effective != 0 for process in servers)


def test_no_password_shows_in_a_command_line_a_log_or_the_statistics(services):
    secrets = [part for part in services.env().values() if "://" in part]
    passwords = {part.split("@")[0].rpartition(":")[2] for part in secrets if "@" in part}
    seen = " ".join(" ".join(process.cmdline()) for process in services.processes())
    seen += "".join(path.read_text() for path in services.layout.logs.iterdir())
    assert len(passwords) == 3
    assert not [password for password in passwords if password in seen]
    assert services.value("SELECT count(*) FROM pg_stat_statements WHERE query ~* 'password ''[^S]'") == 0


def test_the_log_says_what_failed_without_the_values(services):
    with services.connect("DATABASE_OWNER_URL") as owner:
        owner.execute("CREATE TABLE secrets (secret text PRIMARY KEY)")
    with services.connect() as app:
        app.execute("INSERT INTO secrets VALUES ('s3cret')")
        for failing in ("INSERT INTO secrets VALUES ('s3cret')", "INSERT INTO secrets SELECT 's3cret' WHERE 1 / 0 = 1"):
            with pytest.raises(psycopg.DatabaseError), app.transaction():
                app.execute(failing)
    log = services.layout.log("postgres").read_text()
    assert "duplicate key value violates" in log
    assert "division by zero" in log
    assert "s3cret" not in log
