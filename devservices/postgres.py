"""One PostgreSQL cluster: made once, loopback TCP and SCRAM only, durable, two roles.

`florin_owner` owns the databases and runs migrations; `florin_app` is what the product uses at run time
and cannot change a table's shape. Passwords reach the server as SCRAM verifiers, never as text, so that
no log and no statistics view can show them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devservices.accounts import Account, service_account
from devservices.errors import StackError
from devservices.files import own_directory, refuse_foreign, write_atomically
from devservices.layout import Layout

if TYPE_CHECKING:
    from psycopg import Connection

DATABASE = "florin"
SQL = Path(__file__).parent / "sql"

# What is not used of shared_buffers is not taken; with less, an audit or a long history reads all from the kernel.
CONFIGURATION = """\
# Written at each start.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
hba_file = '{hba}'
cluster_name = '{token}'
max_connections = 200
shared_buffers = 512MB
work_mem = 8MB
maintenance_work_mem = 64MB
max_wal_size = 1GB
max_locks_per_transaction = 256
fsync = on
synchronous_commit = on
full_page_writes = on
password_encryption = 'scram-sha-256'
shared_preload_libraries = '{preload}'
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
log_lock_waits = on
# A statement that fails holds values, secrets among them: the log gets its error and nothing of the rest.
log_min_error_statement = panic
log_error_verbosity = terse
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
"""
ACCESS = "host all all 127.0.0.1/32 scram-sha-256\nhost replication all 127.0.0.1/32 scram-sha-256\n"


def prepare(layout: Layout, *, binaries: Path, port: int, superuser_password: str) -> None:
    """There is a cluster, and its configuration says `port`."""
    account = service_account()
    own_directory(layout.runtime, mode=0o711)
    if layout.pgdata.exists():
        refuse_foreign(layout.pgdata, account.uid)
    else:
        _make_cluster(layout, binaries, account, superuser_password)
    hba = layout.runtime / "pg_hba.conf"
    text = CONFIGURATION.format(port=port, hba=hba, token=layout.token, preload=_preload(binaries))
    write_atomically(layout.runtime / "postgresql.conf", text, mode=0o600, uid=account.uid)
    write_atomically(hba, ACCESS, mode=0o600, uid=account.uid)


def command(layout: Layout, binaries: Path) -> list[str]:
    """What the supervisor runs."""
    conf = layout.runtime / "postgresql.conf"
    return [str(binaries / "postgres"), "-D", str(layout.pgdata), "-c", f"config_file={conf}"]


def url(*, port: int, user: str, password: str, database: str = DATABASE) -> str:
    """The address for settings, with the password quoted."""
    from urllib.parse import quote

    return f"postgres://{user}:{quote(password, safe='')}@127.0.0.1:{port}/{database}"


def answers(port: int, password: str) -> bool:
    """True when the server takes connections; False while it starts or recovers."""
    import psycopg

    try:
        _superuser(port, password, "postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def set_up(*, port: int, passwords: dict[str, str]) -> None:
    """The roles, their passwords and the database exist."""
    with _superuser(port, passwords["superuser"], "postgres") as postgres:
        postgres.execute((SQL / "roles.sql").read_bytes())
        for role in ("owner", "app", "jobs"):
            _set_password(postgres, f"florin_{role}", passwords[role])
    # template1 first: every database made later, those of the tests too, starts with the same rules.
    for database in ("template1", DATABASE):
        if database == DATABASE:
            _create_database(port, passwords["superuser"])
        with _superuser(port, passwords["superuser"], database) as connection:
            connection.execute((SQL / "database.sql").read_bytes())


def _make_cluster(layout: Layout, binaries: Path, account: Account, password: str) -> None:
    """initdb into a scratch directory, renamed when whole: a kill half-way leaves nothing to trip over."""
    scratch = layout.runtime / "pgdata.new"
    if scratch.exists():
        refuse_foreign(scratch, account.uid)
        shutil.rmtree(scratch)
    own_directory(scratch, uid=account.uid, gid=account.gid)
    password_file = layout.runtime / "initdb.password"
    write_atomically(password_file, password, uid=account.uid)
    try:
        _initdb(binaries, scratch, password_file, account)
    finally:
        password_file.unlink()
    scratch.rename(layout.pgdata)


def _initdb(binaries: Path, data: Path, password_file: Path, account: Account) -> None:
    # The built-in locale is the same on every platform: no sort order depends on the machine's libc.
    done = subprocess.run(
        [
            binaries / "initdb", "--pgdata", data, "--username", "postgres", "--pwfile", password_file,
            "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C",
            "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8",
        ],
        capture_output=True, text=True, cwd=data, env=plain_environment(), preexec_fn=account.become, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise StackError(f"initdb failed:\n{done.stdout}{done.stderr}")


def plain_environment() -> dict[str, str]:
    """Nothing of the caller's environment: no PG* variable and no secret reaches the server."""
    return {"PATH": os.defpath, "LANG": "C", "LC_ALL": "C", "TZ": "UTC"}


def _preload(binaries: Path) -> str:
    """pg_stat_statements where this build has it."""
    found = any((binaries.parent / "lib").rglob("pg_stat_statements.*"))
    return "pg_stat_statements" if found else ""


def _superuser(port: int, password: str, database: str) -> Connection[Any]:
    import psycopg

    return psycopg.connect(
        host="127.0.0.1",
        port=port,
        user="postgres",
        password=password,
        dbname=database,
        autocommit=True,
        connect_timeout=2,
    )


def _set_password(connection: Connection[Any], role: str, password: str) -> None:
    from psycopg import sql

    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier)))


def _create_database(port: int, password: str) -> None:
    with _superuser(port, password, "postgres") as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if known is None:
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER florin_owner")
