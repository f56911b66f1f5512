"""Celery's side: messages say which rows to look at, the rows say what is to be done."""

from celery import shared_task

from apps.statements import flows, selectors, services

_BATCH = 5


@shared_task(name="statements.render")
def render(work_ids: list[str]) -> int:
    """The statements of these pieces of work are issued, and their mails are under way."""
    tried = services.work_off(work_ids=work_ids)
    poke_mails()
    return tried


@shared_task(name="statements.mail")
def mail(delivery_ids: list[str]) -> int:
    """These mails are sent, if they are due."""
    return flows.send_mails(delivery_ids=delivery_ids)


@shared_task(name="statements.sweep")
def sweep() -> None:
    """Whatever is due and nobody holds is under way: work whose message was lost, or whose worker died."""
    poke(selectors.work_to_do())
    poke_mails()


def poke(work_ids: list[str]) -> None:
    """Workers know of this work."""
    for start in range(0, len(work_ids), _BATCH):
        render.delay(work_ids[start : start + _BATCH])


def poke_mails() -> None:
    """Workers know of every mail that is due."""
    due = selectors.mails_to_send()
    for start in range(0, len(due), _BATCH):
        mail.delay(due[start : start + _BATCH])
