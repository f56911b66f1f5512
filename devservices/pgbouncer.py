"""PgBouncer in front of PostgreSQL: transaction pooling, loopback only, SCRAM, the roles of the server behind.

It is optional: `FLORIN_PGBOUNCER=on make up` puts it between, `all` sends the hot pool through it as well.
Tests and benchmarks start one beside a database that runs already:

    with pgbouncer.beside(database_url, pool_size=20) as bouncer:
        start_web(environment=bouncer.environment(hot="through"))
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from devservices.accounts import service_account
from devservices.errors import BinaryMissing, ProgramFailed, StackError
from devservices.files import own_directory, tail, write_atomically
from devservices.layout import Layout
from devservices.ports import free_port
from devservices.postgres import plain_environment

if TYPE_CHECKING:
    from psycopg import Connection

SETTING = "FLORIN_PGBOUNCER"
ADMIN = "florin_pooler"
# From here on the protocol's prepared statements are followed from one server connection to the next.
PREPARES_FROM = (1, 21)
PATIENCE_S = 10.0

# The values of deploy/pgbouncer/pgbouncer.ini say why; here are those that matter on one machine.
CONFIGURATION = """\
; Written at each start.
[databases]
* = host={host} port={port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {userlist}
admin_users = {admin}
pool_mode = transaction
max_client_conn = {max_clients}
default_pool_size = {pool_size}
query_wait_timeout = {wait_s}
server_login_retry = 1
server_connect_timeout = 5
ignore_startup_parameters = extra_float_digits
log_connections = 0
log_disconnections = 0
log_stats = 0
{prepares}
"""


def program() -> Path:
    """The pgbouncer program: $PGBOUNCER_BIN, else the system's (Debian puts it where only root's PATH leads)."""
    given = os.environ.get("PGBOUNCER_BIN")
    found = given or shutil.which("pgbouncer", path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"]))
    if not found or not Path(found).is_file():
        raise BinaryMissing("no PgBouncer found: install the system's package pgbouncer, or set PGBOUNCER_BIN to the program")
    return Path(found)


def version(server: Path) -> tuple[int, int]:
    """(1, 18) for "PgBouncer 1.18.0"."""
    said = subprocess.run([server, "--version"], capture_output=True, text=True, check=True, timeout=20).stdout
    numbers = re.search(r"(\d+)\.(\d+)", said)
    if numbers is None:
        raise BinaryMissing(f"{server} does not say which version it is: {said.strip()}")
    return int(numbers[1]), int(numbers[2])


def configuration(server: Path, *, behind: tuple[str, int], listen_port: int, userlist: Path, **values: Any) -> str:
    """The text of pgbouncer.ini. `behind` is PostgreSQL's host and port; `values` replace pool_size (connections
    per role and database), max_clients, wait_s (longest wait for a connection, seconds)."""
    prepares = "max_prepared_statements = 200" if version(server) >= PREPARES_FROM else ""
    chosen = {"pool_size": 20, "max_clients": 1000, "wait_s": 2, **values}
    return CONFIGURATION.format(
        host=behind[0], port=behind[1], listen_port=listen_port, userlist=userlist, admin=ADMIN, prepares=prepares, **chosen
    )


def users(passwords: Mapping[str, str]) -> str:
    """The text of userlist.txt: who may log in, here and there."""
    return "".join(f'"{_doubled(user)}" "{_doubled(password)}"\n' for user, password in passwords.items())


def _doubled(text: str) -> str:
    return text.replace('"', '""')


def through(database_url: str, port: int) -> str:
    """`database_url` by way of the PgBouncer on `port`."""
    parts = urlsplit(database_url)
    login, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{login}{at}127.0.0.1:{port}"))


def settings(database_url: str, port: int, *, hot: str, prepares: bool) -> dict[str, str]:
    """What Florin's environment says with PgBouncer on `port`; `hot` is "direct" or "through"."""
    pooled = through(database_url, port)
    return {
        "DATABASE_URL": pooled,
        "DATABASE_POOLED": "1",
        "DATABASE_PREPARE": "1" if prepares else "0",
        "DATABASE_DIRECT_URL": database_url,
        "HOT_DATABASE_URL": pooled if hot == "through" else database_url,
        "HOT_PREPARE": "1" if prepares or hot == "direct" else "0",
    }


# As a member of the stack


def asked_for() -> str:
    """ "": not at all; "direct": all but the hot pool goes through it; "through": the hot pool too."""
    said = os.environ.get(SETTING, "").lower()
    known = {"": "", "0": "", "off": "", "1": "direct", "on": "direct", "all": "through"}
    if said not in known:
        raise StackError(f"{SETTING}={said} is not known: on, all or off")
    return known[said]


def prepare(layout: Layout, server: Path, *, ports: Mapping[str, int], passwords: Mapping[str, str]) -> None:
    """The configuration and the user list exist, readable by the server's account only."""
    account = service_account()
    own_directory(layout.runtime, mode=0o711)
    userlist = layout.runtime / "pgbouncer-users.txt"
    known = {
        "florin_app": passwords["app"],
        "florin_jobs": passwords["jobs"],
        "florin_owner": passwords["owner"],
        ADMIN: passwords["pooler"],
    }
    write_atomically(userlist, users(known), uid=account.uid)
    text = configuration(server, behind=("127.0.0.1", ports["postgres"]), listen_port=ports["pgbouncer"], userlist=userlist)
    write_atomically(layout.runtime / "pgbouncer.ini", text, uid=account.uid)


def command(layout: Layout, server: Path) -> list[str]:
    """What the supervisor runs."""
    return [str(server), str(layout.runtime / "pgbouncer.ini")]


def answers(port: int, password: str) -> bool:
    """True when the administration console lets us in."""
    import psycopg

    try:
        console(port, password).close()
    except psycopg.OperationalError:
        return False
    return True


def console(port: int, password: str) -> Connection[Any]:
    """The administration console: SHOW POOLS, RECONNECT, …  It speaks the simple protocol only."""
    import psycopg

    return psycopg.connect(
        host="127.0.0.1", port=port, user=ADMIN, password=password, dbname="pgbouncer", autocommit=True, connect_timeout=2,
        cursor_factory=psycopg.ClientCursor,
    )  # fmt: skip


# Beside a database that runs already


@dataclass
class Bouncer:
    """One PgBouncer of a test or a benchmark; it can be killed and started again on the same port."""

    server: Path
    folder: Path
    port: int
    database_url: str
    password: str
    process: subprocess.Popen[bytes] | None = field(default=None)
    ini: str = "pgbouncer.ini"

    @property
    def url(self) -> str:
        """The database by way of this PgBouncer."""
        return through(self.database_url, self.port)

    @property
    def prepares(self) -> bool:
        return version(self.server) >= PREPARES_FROM

    def environment(self, *, hot: str = "through") -> dict[str, str]:
        """The variables that make Florin use it; `hot` is "through" or "direct"."""
        return settings(self.database_url, self.port, hot=hot, prepares=self.prepares)

    def start(self) -> Bouncer:
        """It answers."""
        log = self.folder / "pgbouncer.log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [self.server, self.folder / self.ini], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                cwd=self.folder, env=plain_environment(), **_unprivileged(),
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE_S
        while not answers(self.port, self.password):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise ProgramFailed(f"PgBouncer did not start:\n{tail(log)}")
            time.sleep(0.02)
        return self

    def end(self, number: int) -> None:
        """It has ended by signal `number`."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(PATIENCE_S)

    def ask(self, statement: str) -> list[dict[str, Any]]:
        """What the administration console answers."""
        from psycopg.rows import dict_row

        with console(self.port, self.password) as connection:
            cursor = connection.cursor(row_factory=dict_row).execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


def _unprivileged() -> dict[str, Any]:
    """Popen's words for the service account; none where we are it already. (PgBouncer refuses to run as root.)"""
    account = service_account()
    return {"user": account.uid, "group": account.gid, "extra_groups": []} if account.uid != os.geteuid() else {}


@contextmanager
def beside(*database_urls: str, **values: Any) -> Iterator[Bouncer]:
    """A PgBouncer in front of the server of `database_urls`, which name the roles it lets in; it is gone afterwards.

    `values` as for `configuration`."""
    server, account = program(), service_account()
    folder = Path(tempfile.mkdtemp(prefix="florin-pgbouncer-"))
    parts = [urlsplit(url) for url in database_urls]
    known = {unquote(part.username or ""): unquote(part.password or "") for part in parts}
    bouncer = Bouncer(server, folder, free_port(), database_urls[0], password="console")
    text = configuration(
        server, behind=(parts[0].hostname or "127.0.0.1", parts[0].port or 5432), listen_port=bouncer.port,
        userlist=folder / "users.txt", **values,
    )  # fmt: skip
    write_atomically(folder / "users.txt", users(known | {ADMIN: bouncer.password}), uid=account.uid)
    write_atomically(folder / "pgbouncer.ini", text, uid=account.uid)
    if account.uid != os.geteuid():
        os.chown(folder, account.uid, account.gid)
    try:
        yield bouncer.start()
    finally:
        if bouncer.process is not None and bouncer.process.poll() is None:
            bouncer.process.kill()
            bouncer.process.wait(PATIENCE_S)
        shutil.rmtree(folder)
