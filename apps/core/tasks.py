from datetime import timedelta

from celery import shared_task

from apps.core import clock, services


@shared_task(name="core.ensure_partitions")
def ensure_partitions() -> int:
    """The partitions of the next months are there before the first row needs one."""
    with services.as_owner():
        return services.ensure_partitions(since=clock.today() - timedelta(days=31), months=26)
