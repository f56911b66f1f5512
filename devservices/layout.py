"""Where one stack keeps its things.

The state directory holds what people and scripts read (ports, env, demo.json, logs, mailbox). What the
servers own lives in `runtime`: inside the state directory for an ordinary user, but under /var/lib when
root starts the stack, because the unprivileged account that then runs PostgreSQL must be able to walk
there, and a repository often sits below a home of mode 700. (Not /var/tmp while there is a choice: many
systems delete from it what nobody touched for a month.)
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
# A unix socket's address holds 104 bytes on macOS, and supervisord adds ".<pid>" while it binds.
LONGEST_SOCKET_PATH = 90


def shared_root() -> Path:
    """Where root keeps what another account has to reach."""
    parent = "/var/lib" if os.access("/var/lib", os.W_OK) else "/var/tmp"
    return Path(parent) / "florin-dev"


@dataclass(frozen=True)
class Layout:
    """The paths of one stack, all derived from its state directory."""

    state: Path

    @property
    def token(self) -> str:
        """A name no other stack of this machine has; it marks our processes and directories."""
        return "florin-" + hashlib.sha256(os.fsencode(self.state)).hexdigest()[:12]

    @property
    def runtime(self) -> Path:
        """The directory of the servers' data and configuration."""
        return shared_root() / self.token if os.geteuid() == 0 else self.state / "runtime"

    @property
    def pgdata(self) -> Path:
        """PostgreSQL's data directory."""
        return self.runtime / "pgdata"

    @property
    def redis_dir(self) -> Path:
        """Redis' working directory."""
        return self.runtime / "redis"

    @property
    def logs(self) -> Path:
        """One log file a program, rotated by the supervisor."""
        return self.state / "logs"

    @property
    def mailbox(self) -> Path:
        """Every mail the stack sent, one .eml file each."""
        return self.state / "mailbox"

    @property
    def files(self) -> Path:
        """Statements, settlement files, uploads."""
        return self.state / "files"

    @property
    def env_file(self) -> Path:
        """KEY=VALUE lines that settings read when a variable is not set."""
        return self.state / "env"

    @property
    def demo_file(self) -> Path:
        """What scripts need to talk to the stack, as JSON."""
        return self.state / "demo.json"

    @property
    def supervisor_conf(self) -> Path:
        """The generated supervisord configuration."""
        return self.state / "supervisord.conf"

    @property
    def supervisor_socket(self) -> Path:
        """The supervisor's control socket, in the temporary directory where the state path is too long."""
        socket = self.state / "run" / "supervisor.sock"
        if len(os.fsencode(socket)) <= LONGEST_SOCKET_PATH:
            return socket
        return Path("/tmp") / f"{self.token}-{os.geteuid()}" / "supervisor.sock"

    def log(self, program: str) -> Path:
        """The log of one program."""
        return self.logs / f"{program}.log"


def current() -> Layout:
    """The stack this process was told to use."""
    chosen = os.environ.get("FLORIN_STATE_DIR") or str(REPOSITORY / ".florin")
    return Layout(Path(chosen).expanduser().resolve())
