"""One message to one mail server, by Django's SMTP backend."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.mail import EmailMultiAlternatives


@dataclass(frozen=True)
class Attachment:
    name: str
    content: bytes
    media_type: str


def send(*, to: str, subject: str, text: str, html: str = "", message_id: str, attachments: Sequence[Attachment] = ()) -> None:
    """The mail server has taken the message. `message_id` (without brackets and host) is the same for
    every attempt, so that a repeat can be recognised. Raises OSError or smtplib.SMTPException."""
    message = EmailMultiAlternatives(subject, text, to=[to], headers={"Message-ID": f"<{message_id}@florin>"})
    if html:
        message.attach_alternative(html, "text/html")
    for one in attachments:
        message.attach(one.name, one.content, one.media_type)
    message.send(fail_silently=False)
