"""Beat looks after the endpoints, in case that no web process does."""

from celery import shared_task

from apps.cutover import services


@shared_task(name="cutover.roll_back_where_due")
def roll_back_where_due() -> list[str]:
    """Endpoints that fail or differ too often are classic."""
    return services.roll_back_where_due()
