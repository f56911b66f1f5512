from celery import shared_task

from apps.ledger import services


@shared_task(name="ledger.seal")
def seal() -> int:
    """Everything booked so far is sealed."""
    total = 0
    while sealed := services.seal():
        total += sealed
    return total
