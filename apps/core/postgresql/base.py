"""Django's PostgreSQL, whose pool hands out no connection that the server has ended meanwhile.

CONN_HEALTH_CHECKS does the same with a round trip a request, and waits a second after each dead connection it finds.
"""

from typing import Any

from django.db.backends.postgresql import base

from apps.core.db import ended_while_idle


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
