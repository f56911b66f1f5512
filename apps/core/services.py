"""Setting a platform up: what must be there before the first request."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import cast

from django.conf import settings
from django.db import connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper


@contextmanager
def as_owner() -> Iterator[None]:
    """Inside, Django's default connection is the database owner's, on the direct port. For
    migrations and partitions; the process must not serve anything meanwhile."""
    ours = connections.settings["default"]
    connection.close()
    cast(DatabaseWrapper, connection).close_pool()
    before = {name: ours[name] for name in settings.OWNER_DATABASE}
    options = ours["OPTIONS"]
    ours.update(settings.OWNER_DATABASE)
    ours["OPTIONS"] = {name: value for name, value in options.items() if name != "pool"}
    del connections["default"]
    try:
        yield
    finally:
        connections["default"].close()
        ours.update(before)
        ours["OPTIONS"] = options
        del connections["default"]


def partitioned_tables() -> list[str]:
    """The names of all range-partitioned tables."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT partrelid::regclass::text FROM pg_partitioned_table WHERE partstrat = 'r' ORDER BY 1")
        return [row[0] for row in cursor.fetchall()]


def ensure_partitions(*, since: date, months: int) -> int:
    """Every partitioned table has its partitions for `months` months from `since` on; returns how
    many were made. Needs the owner's role."""
    made = 0
    with connection.cursor() as cursor:
        for table in partitioned_tables():
            cursor.execute("SELECT core_ensure_month_partitions(%s, %s, %s)", [table, since, months])
            made += cursor.fetchone()[0]
    return made


def write_schedule(pokes: Mapping[str, tuple[str, int]]) -> None:
    """Beat knows every poke: name → (task, seconds). Entries that exist keep what people changed."""
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    for name, (task, every_s) in pokes.items():
        interval, _ = IntervalSchedule.objects.get_or_create(every=every_s, period=IntervalSchedule.SECONDS)
        defaults = {"task": task, "interval": interval, "expire_seconds": max(every_s * 2, 30)}
        PeriodicTask.objects.get_or_create(name=name, defaults=defaults)
