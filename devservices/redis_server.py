"""One Redis: loopback only, with a password, nothing kept on disk (Redis is disposable here)."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import quote

from devservices.accounts import service_account
from devservices.files import own_directory, write_atomically
from devservices.layout import Layout

CONFIGURATION = """\
# Written at each start.
bind 127.0.0.1
port {port}
dir {folder}
{password}
databases 16
save ""
appendonly no
maxmemory 256mb
# A full broker must refuse new work loudly, not forget old work silently.
maxmemory-policy noeviction
# The process title says whose it is, so that a leftover can be told from somebody else's.
proc-title-template "{{title}} {{listen-addr}} {token}"
"""


def prepare(layout: Layout, *, port: int, password: str) -> None:
    """The configuration file says `port` and `password`; an empty password means none is asked."""
    account = service_account()
    own_directory(layout.runtime, mode=0o711)
    own_directory(layout.redis_dir, uid=account.uid, gid=account.gid)
    text = CONFIGURATION.format(
        port=port,
        folder=_quoted(str(layout.redis_dir)),
        password=f"requirepass {_quoted(password)}" if password else "protected-mode yes",
        token=layout.token,
    )
    write_atomically(layout.runtime / "redis.conf", text, uid=account.uid)


def command(layout: Layout, server: Path) -> list[str]:
    """What the supervisor runs."""
    return [str(server), str(layout.runtime / "redis.conf")]


def url(*, port: int, password: str, database: int = 0) -> str:
    """The address for settings, with the password quoted."""
    login = f":{quote(password, safe='')}@" if password else ""
    return f"redis://{login}127.0.0.1:{port}/{database}"


def answers(port: int, password: str) -> bool:
    """The server answers PING to our password.

    By plain sockets: a client library's back-off adds a second to a server that starts in 40 ms.
    """
    login = b"AUTH %s\r\n" % _quoted(password).encode() if password else b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(login + b"PING\r\n")
            answer = b""
            while not answer.endswith(b"\r\n") or (login and answer.count(b"\r\n") < 2):
                piece = connection.recv(256)
                if not piece:
                    return False
                answer += piece
    except OSError:
        return False
    return answer.endswith(b"+PONG\r\n")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
