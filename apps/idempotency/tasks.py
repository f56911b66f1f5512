from celery import shared_task

from apps.idempotency import services


@shared_task(name="idempotency.purge")
def purge() -> int:
    """Keys of more than 30 days ago are gone."""
    return services.purge()
