"""Mailing statements: the one thing here that speaks to the outside.

The mail is sent between two commits, never inside a transaction: first it is leased, then sent, then
marked. Whoever dies in between leaves a lease that runs out; the mail goes again with the same Message-ID.
"""

import logging
from collections.abc import Sequence
from typing import Any

from apps.events.gateways import mail
from apps.events.gateways.mail import Attachment
from apps.merchants import selectors as merchants
from apps.statements import domain, selectors, services
from apps.statements.errors import FileLost

log = logging.getLogger(__name__)


def send_mails(*, delivery_ids: Sequence[str] | None = None) -> int:
    """Those of the mails that are due (of all, without ids) have been tried once; returns how many were
    taken by the mail server. What it did not take is due again after a pause, or parked the fifth time."""
    sent = 0
    while (delivery := services.claim_mail(delivery_ids=delivery_ids)) is not None:
        sent += _send(delivery)
    return sent


def _send(delivery: dict[str, Any]) -> bool:
    try:
        _mail(delivery)
    except (OSError, FileLost) as error:  # smtplib's errors are OSErrors
        log.warning("mail %s was not sent: %s", delivery["message_id"], error)
        services.mark_failed(delivery, error=type(error).__name__)
        return False
    services.mark_sent(delivery)
    return True


def _mail(delivery: dict[str, Any]) -> None:
    statement = selectors.row(delivery["statement_id"])
    merchant = merchants.merchant(statement["merchant_id"])
    words = domain.letter(statement, name=merchant.name, issuer=selectors.issuer().name)
    mail.send(
        to=delivery["recipient"],
        subject=words.subject,
        text=words.text,
        message_id=delivery["message_id"],
        attachments=[_attachment(statement, suffix) for suffix in domain.MEDIA_TYPES],
    )


def _attachment(statement: dict[str, Any], suffix: str) -> Attachment:
    return Attachment(
        name=selectors.file_name(statement, suffix),
        content=services.file(statement, suffix=suffix),
        media_type=domain.MEDIA_TYPES[suffix].partition(";")[0],
    )
