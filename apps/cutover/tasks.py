"""Beat looks after the endpoints, in case that no web process does, and has waiting samples compared."""

from celery import shared_task

from apps.cutover import flows, services

# A poke works for less than the time to the next one.
BUSY_S = 1.5


@shared_task(name="cutover.roll_back_where_due")
def roll_back_where_due() -> list[str]:
    """Endpoints that fail or differ too often are classic."""
    return services.roll_back_where_due()


@shared_task(name="cutover.tell_rollbacks")
def tell_rollbacks() -> int:
    """Staff have a letter about each endpoint that was turned classic automatically."""
    return flows.tell_rollbacks()


@shared_task(name="shadow.compare")
def compare() -> int:
    """Samples that wait have been compared, or as many as one poke has time for."""
    return flows.compare_due(seconds=BUSY_S)


@shared_task(name="shadow.forget")
def forget() -> int:
    """Old counts are folded, old differences and samples deleted."""
    return services.forget_old()
