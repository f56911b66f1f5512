"""Mail with attachments, through SMTP."""

from collections.abc import Sequence

from django.core.mail import EmailMessage

Attachment = tuple[str, bytes, str]


class MailRefused(Exception):
    """The mail server could not be reached or did not take the mail; it may be tried again."""


def send(*, to: str, subject: str, text: str, message_id: str, attachments: Sequence[Attachment]) -> None:
    """The mail server has taken the mail. `attachments` are (file name, content, media type).
    Raises: MailRefused."""
    mail = EmailMessage(subject=subject, body=text, to=[to], headers={"Message-ID": message_id, "Auto-Submitted": "auto-generated"})
    for name, content, media_type in attachments:
        mail.attach(name, content, media_type)
    try:
        mail.send()
    except OSError as error:  # smtplib's errors are OSErrors too
        raise MailRefused(type(error).__name__) from error
