"""`python -m benchmarks.classic lay|clean`: makes its database with something to work on, or drops it."""

import json
import os
import sys

import django
import psycopg
from psycopg import sql

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.classic.settings"
django.setup()

from django.conf import settings  # noqa: E402  (Django must be set up first)
from django.core.management import call_command  # noqa: E402

from benchmarks.classic import ground  # noqa: E402


def main() -> int:
    if sys.argv[1:] == ["lay"]:
        _database("CREATE DATABASE {}")
        call_command("migrate", interactive=False, verbosity=0)
        json.dump(ground.lay(), sys.stdout)
        return 0
    if sys.argv[1:] == ["clean"]:
        _database("DROP DATABASE {} WITH (FORCE)")
        return 0
    sys.exit(__doc__)


def _database(statement: str) -> None:
    """Makes or drops it, unless that was done before."""
    with psycopg.connect(settings.MAINTENANCE_DSN, autocommit=True) as server:
        try:
            server.execute(sql.SQL(statement).format(sql.Identifier(settings.DATABASES["default"]["NAME"])))
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.InvalidCatalogName):
            return


if __name__ == "__main__":
    sys.exit(main())
