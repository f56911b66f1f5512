"""Whether the connections of all programs fit into PostgreSQL. docs/connections.md has the sums and why they matter:
the program that comes last is refused, at the busiest hour."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

from apps.core import db

# Control connection of a web process; beat, relay and a management command.
CONTROL, OTHERS = 1, 3
# deploy/pgbouncer/pgbouncer.ini: default_pool_size, reserve_pool_size and max_db_connections. Each role has a pool of its own.
POOL, RESERVE, MOST_POOLED = 20, 4, 40
_ROOM = """
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
     - coalesce(current_setting('reserved_connections', true), '0')::int AS room
"""


def wanted(web: int, workers: int) -> int:
    """The most connections to PostgreSQL that `web` and `workers` processes and the other programs open, as the settings are."""
    hot = settings.HOT_LINES + db.WRITERS
    if not settings.POOLED:
        return web * (settings.DATABASE_POOL_SIZE + hot + CONTROL) + workers + OTHERS
    # Through a pooler everything else shares its connections; migrations never go through it.
    own = CONTROL if settings.HOT_POOLED else CONTROL + hot
    of_web, of_workers = POOL + RESERVE, min(workers + OTHERS, POOL + RESERVE)
    return web * own + min(of_web + of_workers, MOST_POOLED) + 1


def room() -> int:
    """How many PostgreSQL lets the application's roles have."""
    return int(db.query(_ROOM)[0]["room"])


@register(Tags.database)
def they_fit(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Warns; it does not refuse: not all may be open at once, and not all may be on this server."""
    if not databases or "default" not in databases:
        return []
    web, workers = settings.WEB_PROCESSES, settings.WORKER_PROCESSES
    needed, there = wanted(web, workers), room()
    if needed <= there:
        return []
    text = f"{web} web and {workers} worker processes open up to {needed} connections; PostgreSQL has {there} for them."
    return [Warning(text, hint="Fewer processes, a larger max_connections, or PgBouncer: docs/connections.md.", id="florin.W020")]
