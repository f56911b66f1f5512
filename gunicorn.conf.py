"""Gunicorn: Uvicorn workers that die with their master and stop in time.

Connections to PostgreSQL, to be kept below its max_connections (200 in development):

    web      WEB_CONCURRENCY x (HOT_LINES + 2 for batches + 1 for switches + DATABASE_POOL_SIZE)
                                                                    2 x (2 + 2 + 1 + 8) = 26
    worker   two processes, one connection in use in each                                  2
    beat, relay, each management command                                                   1

With PgBouncer between (docs/connections.md) web keeps WEB_CONCURRENCY x 5 of its own; everything else shares the
pooler's, at most its max_db_connections (40). With the hot endpoints through it, too, WEB_CONCURRENCY x 1.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from gunicorn.arbiter import Arbiter
from uvicorn_worker import UvicornWorker

from config.listening import Server
from config.shares import SHARES


def _number(name: str, default: int) -> int:
    return int(os.environ.get(name) or default)


workers = _number("WEB_CONCURRENCY", 2)
bind = f"{os.environ.get('HOST') or '127.0.0.1'}:{_number('PORT', 8000)}"
# How many may wait to be accepted; the kernel caps it at net.core.somaxconn.
backlog = 8192

# A worker silent for this long is hung: longer than any request may take.
timeout = 60
# After TERM: requests end within STOP_S (the gateway's deadline is 10 s), then what clients left behind
# is finished and pools close; after graceful_timeout the master kills.
STOP_S = 15
graceful_timeout = 30
# Longer than a load balancer in front keeps an idle connection (60 s), so that it is never the one to be surprised.
keepalive = 75
# The workers' heartbeat is a file: in memory where there is such a place, a slow disk must not stop it.
_memory = Path("/dev/shm")  # noqa: S108  (gunicorn makes an unguessable file there)
worker_tmp_dir = str(_memory) if _memory.is_dir() else None
control_socket_disable = True

# Whose X-Forwarded-For and -Proto are believed: the proxy in front, here only this machine.
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS") or "127.0.0.1"
# Off: a line a request costs more than many a request. The proxy has one; ACCESS_LOG=- shows it here.
accesslog = os.environ.get("ACCESS_LOG") or None
errorlog = "-"
loglevel = (os.environ.get("LOG_LEVEL") or "info").lower()


class Worker(UvicornWorker):  # type: ignore[misc]  # the package has no types
    """Uvicorn on uvloop and httptools (config/protocol.py), with an eye on its master."""

    CONFIG_KWARGS = {
        "loop": "uvloop",
        "http": "config.protocol:Protocol",
        "lifespan": "on",
        "access_log": accesslog is not None,
        "server_header": False,
        # Connections a worker holds before it answers 503 at once; idle ones count, so only behind a proxy.
        "limit_concurrency": _number("LIMIT_CONCURRENCY", 0) or None,
        "timeout_keep_alive": keepalive,
        "timeout_graceful_shutdown": STOP_S,
        "timeout_notify": 1,
    }

    async def callback_notify(self) -> None:
        """Beats every second, and stops when the master is gone: an orphan would keep the port for itself."""
        await super().callback_notify()
        if os.getppid() != self.ppid:
            os.kill(os.getpid(), signal.SIGTERM)

    async def _serve(self) -> None:
        """As the package does it, with a server that takes many connections a turn."""
        self.config.app = self.wsgi
        server = Server(self.config)
        self._install_sigquit_handler()
        SHARES.sit(self.age)
        await server.serve(sockets=self.sockets)
        SHARES.leave()
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)


worker_class = Worker


def on_reload(server: Any) -> None:
    """HUP: the workers that there are stay until the new ones serve."""
    SHARES.replace(server.worker_age, server.cfg.workers)


def post_fork(server: Any, worker: Any) -> None:
    """The application monitor starts in each worker before the application is imported, if it has a licence."""
    if os.environ.get("NEW_RELIC_LICENSE_KEY"):
        import newrelic.agent

        newrelic.agent.initialize(os.environ.get("NEW_RELIC_CONFIG_FILE"), os.environ.get("NEW_RELIC_ENVIRONMENT"))
