"""Receipts by mail."""

from uuid import UUID

from apps.core.ids import decode
from apps.events.domain import EventView
from apps.events.gateways import mail
from apps.merchants import selectors as merchants
from apps.payments import services
from apps.payments.renderers.receipts import receipt


def send_receipt(event: EventView) -> None:
    """The customer of a captured charge has a receipt, if there is an address for it: one, however
    often this is repeated. Raises OSError or SMTPException while the mail server is away."""
    charge = event.object
    charge_id: UUID = decode("ch", charge["id"])
    email = charge["receipt_email"]
    if not charge["captured"] or email is None or not services.receipt_is_due(charge_id=charge_id, email=email):
        return
    merchant = merchants.merchant(event.merchant_id)
    letter = receipt(charge, merchant=merchant.name, email=merchant.email, locale=merchant.locale)
    mail.send(to=email, subject=letter.subject, text=letter.text, html=letter.html, message_id=f"receipt.{charge['id']}")
    services.receipt_was_sent(charge_id=charge_id)
