"""Django's PostgreSQL, whose pool hands out no connection that the server has ended meanwhile.

CONN_HEALTH_CHECKS does the same with a round trip a request, and waits a second after each dead connection it finds.
"""

import select
from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """The ENGINE of every DATABASES entry (config/env.py)."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection of the pool, or a new one where there is no pool."""
        while True:
            connection = super().get_new_connection(conn_params)
            if self.pool is None or not ended_while_idle(connection):
                return connection
            connection.close()
            self.pool.putconn(connection)  # the pool makes another


def ended_while_idle(conn: Any) -> bool:
    """True when the server's side of an idle connection has said something: nobody asked, so it said goodbye.

    A restart of PostgreSQL or PgBouncer ends every connection of every pool. Asking the socket whether anything
    waits to be read costs a microsecond, and finds them all before anything is sent; what is lost later has an
    unknown outcome and is never repeated here. (The lines of the event loop listen and hear it by themselves.)"""
    waiting = select.poll()
    waiting.register(conn.fileno(), select.POLLIN)
    return bool(waiting.poll(0))
