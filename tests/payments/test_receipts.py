"""Receipts, through a real mail server."""

import smtplib

import pytest

from apps.events.domain import EventView, event_view
from apps.payments import flows
from tests.mailbox import Mailbox
from tests.payments.shop import Shop


def told(shop: Shop, kind: str) -> EventView:
    """The merchant's latest event of that type, as the task sees it."""
    return event_view(shop.rows("events_event", f"type = '{kind}'")[-1])


def test_a_receipt_says_what_was_paid_and_with_what(shop: Shop, mailbox: Mailbox) -> None:
    intent = shop.pay(12_345, receipt_email="ada@example.com", description="Socks & <b>shoes</b>")
    flows.send_receipt(told(shop, "charge.succeeded"))
    (mail,) = mailbox.messages
    text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert (mail["To"], mail["Subject"].startswith("Your receipt from Shop")) == ("ada@example.com", True)
    for part in (text, html):
        assert "€123.45" in part
        assert "Visa •••• 4242" in part
        assert intent["latest_charge"] in part
    assert ("<b>shoes</b>" in text, "<b>shoes</b>" in html) == (True, False)


def test_a_receipt_is_sent_once_however_often_it_is_asked_for(shop: Shop, mailbox: Mailbox) -> None:
    shop.pay(receipt_email="ada@example.com")
    for _ in range(3):
        flows.send_receipt(told(shop, "charge.succeeded"))
    assert len(mailbox.messages) == 1


def test_a_held_payment_gets_its_receipt_when_it_is_captured(shop: Shop, mailbox: Mailbox) -> None:
    intent = shop.hold(receipt_email="ada@example.com")
    flows.send_receipt(told(shop, "charge.succeeded"))
    assert mailbox.messages == []
    shop.capture(intent, amount_to_capture=500)
    flows.send_receipt(told(shop, "charge.captured"))
    assert ["€5.00" in mail.get_body(("plain",)).get_content() for mail in mailbox.messages] == [True]


def test_nobody_is_mailed_without_an_address(shop: Shop, mailbox: Mailbox) -> None:
    shop.pay()
    flows.send_receipt(told(shop, "charge.succeeded"))
    assert mailbox.messages == []


def test_a_refused_mail_is_sent_with_the_next_try_under_the_same_id(shop: Shop, mailbox: Mailbox) -> None:
    shop.pay(receipt_email="ada@example.com")
    mailbox.refusals = 1
    with pytest.raises(smtplib.SMTPException):
        flows.send_receipt(told(shop, "charge.succeeded"))
    flows.send_receipt(told(shop, "charge.succeeded"))
    assert [mail["Message-ID"] for mail in mailbox.messages] == [f"<receipt.{told(shop, 'charge.succeeded').object['id']}@florin>"]
