from celery import shared_task

from apps.ledger import services


@shared_task(name="ledger.seal")
def seal() -> int:
    """Everything booked so far is sealed."""
    total = 0
    while sealed := services.seal():
        total += sealed
    return total


@shared_task(name="ledger.expire_holds")
def expire_holds() -> int:
    """No hold outlives its time."""
    total = 0
    while ended := services.expire_holds():
        total += ended
    return total
