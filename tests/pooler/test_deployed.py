"""What deploy/pgbouncer holds is what the real program takes, and its way to the passwords works."""

import re
import signal
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from devservices import passwords, pgbouncer
from devservices.layout import current
from devservices.ports import free_port
from tests.conftest import ROOT
from tests.pooler.conftest import POOL_SIZE

DEPLOYED = ROOT / "deploy" / "pgbouncer"
# Certificates and the host are the installation's own; the rest is tried as it stands.
LOCAL = {
    "listen_addr": "127.0.0.1",
    "client_tls_sslmode": "disable",
    "server_tls_sslmode": "disable",
    "client_tls_cert_file": "",
    "client_tls_key_file": "",
    "server_tls_ca_file": "",
}


def test_a_role_whose_pool_is_full_takes_none_of_another_s(bouncer) -> None:
    with ExitStack() as stack:
        for dsn in (settings.DATABASE_DSN, settings.DATABASE_OWNER_DSN):
            for _ in range(POOL_SIZE):
                client = stack.enter_context(psycopg.connect(make_conninfo(dsn, port=bouncer.port), prepare_threshold=None))
                client.execute("SELECT 1")  # and its transaction stays open
        with pytest.raises(psycopg.OperationalError, match="query_wait_timeout"):
            psycopg.connect(make_conninfo(settings.DATABASE_DSN, port=bouncer.port), autocommit=True).execute("SELECT 1")


@pytest.fixture
def superuser(bouncer) -> psycopg.Connection:
    """In the suite's database; where its server is not ours, there is none."""
    known = current().state / "secrets.json"
    if not known.exists():
        pytest.skip("the superuser of a given server is not known")
    login = {"user": "postgres", "password": passwords.settle(current())["superuser"]}
    with psycopg.connect(make_conninfo(settings.DATABASE_DSN, **login), autocommit=True) as connection:
        yield connection


def deployed(folder: Path, port: int) -> str:
    """The file, pointed at this machine."""
    database = conninfo_to_dict(settings.DATABASE_DSN)
    text = (DEPLOYED / "pgbouncer.ini").read_text()
    here = f"{database['dbname']} = host=127.0.0.1 port={database['port']} auth_user=florin_pooler"
    text = re.sub(r"^florin = .*$", here, text, flags=re.M)
    for name, value in {**LOCAL, "listen_port": str(port), "auth_file": str(folder / "users.txt")}.items():
        text, found = re.subn(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.M)
        assert found == 1, name
    return text


def test_the_application_logs_in_by_the_lookup_and_nobody_else_does(superuser, bouncer) -> None:
    superuser.execute((DEPLOYED / "user_lookup.sql").read_text())
    superuser.execute((DEPLOYED / "roles.sql").read_text())
    superuser.execute("ALTER ROLE florin_pooler PASSWORD 'only here'")
    port = free_port()
    (bouncer.folder / "users.txt").write_text(pgbouncer.users({"florin_pooler": "only here"}))
    (bouncer.folder / "deployed.ini").write_text(deployed(bouncer.folder, port))
    running = pgbouncer.Bouncer(bouncer.server, bouncer.folder, port, bouncer.database_url, "only here", ini="deployed.ini").start()
    try:
        with psycopg.connect(running.url) as connection:
            assert connection.execute("SHOW statement_timeout").fetchone() == ("5s",)
        assert {row["key"]: row["value"] for row in running.ask("SHOW CONFIG")}["pool_mode"] == "transaction"
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(make_conninfo(running.url, user="postgres"))
    finally:
        running.end(signal.SIGTERM)


def test_no_other_role_may_call_the_lookup(superuser) -> None:
    superuser.execute((DEPLOYED / "user_lookup.sql").read_text())
    with psycopg.connect(settings.DATABASE_DSN) as application, pytest.raises(psycopg.errors.InsufficientPrivilege):
        application.execute("SELECT * FROM florin_pooler.user_lookup('florin_app')")


def test_every_value_is_known_to_the_program(bouncer) -> None:
    """PgBouncer only warns of an unknown name."""
    known = {row["key"] for row in bouncer.ask("SHOW CONFIG")}
    section = (DEPLOYED / "pgbouncer.ini").read_text().partition("[pgbouncer]")[2]
    assert set(re.findall(r"^(\w+) =", section, flags=re.M)) <= known
