"""Statements by mail, through a real SMTP server."""

import email
import email.policy
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from django.conf import settings

from apps.core import db
from apps.statements import flows, services
from tests.conftest import ROOT, free_port
from tests.statements import books

pytestmark = pytest.mark.usefixtures("own_database")


class Mailbox:
    """What a mail server took; it refuses while `refusing`."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refusing = False

    async def handle_DATA(self, server, session, envelope) -> str:
        if self.refusing:
            return "451 try again later"
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 taken"

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if mail["To"] == address]


@pytest.fixture
def mailbox(monkeypatch) -> Iterator[Mailbox]:
    """A mail server, and Florin set to use it."""
    box, port = Mailbox(), free_port()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    monkeypatch.setattr(settings, "EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
    monkeypatch.setattr(settings, "EMAIL_HOST", "127.0.0.1")
    monkeypatch.setattr(settings, "EMAIL_PORT", port)
    yield box
    server.stop()


def mail_due(make_merchant, month, **details) -> tuple[dict, str]:
    """An issued statement and its merchant's address."""
    address = f"books-{month:%Y-%m}@shop.example"
    merchant = make_merchant(email=address, **details)
    books.busy_month(merchant.id, month)
    books.issued(month, merchant)
    (statement,) = books.statements_of(merchant.id)
    return statement, address


def state_of(statement: dict) -> dict:
    return db.query("SELECT state, attempts FROM statements_delivery WHERE statement_id = %s", [statement["id"]])[0]


def make_due() -> None:
    books.forget_leases()
    db.query("UPDATE statements_delivery SET next_attempt_at = clock_timestamp() WHERE state = 'pending'")


def test_the_statement_comes_with_both_files(make_merchant, month, mailbox):
    statement, address = mail_due(make_merchant, month)
    assert flows.send_mails() == 1
    (mail,) = mailbox.to(address)
    files = {part.get_filename(): part.get_payload(decode=True) for part in mail.iter_attachments()}
    name = f"statement-{statement['number']}-{month:%Y-%m}-eur"
    assert files == {f"{name}.{suffix}": services.file(statement, suffix=suffix) for suffix in ("pdf", "csv")}
    assert statement["number"] in mail["Subject"]
    assert "66.22 EUR" in mail.get_body().get_content()
    assert books.statements_of(statement["merchant_id"])[0]["mailed_at"] is not None


def test_a_mail_that_was_sent_is_not_sent_again(make_merchant, month, mailbox):
    _, address = mail_due(make_merchant, month)
    flows.send_mails()
    make_due()
    assert flows.send_mails() == 0
    assert len(mailbox.to(address)) == 1


def test_a_mail_that_is_refused_waits_and_goes_later(make_merchant, month, mailbox):
    statement, address = mail_due(make_merchant, month)
    mailbox.refusing = True
    assert flows.send_mails() == 0
    assert (state_of(statement), mailbox.to(address)) == ({"state": "pending", "attempts": 1}, [])
    mailbox.refusing = False
    make_due()
    assert flows.send_mails() == 1
    assert len(mailbox.to(address)) == 1


def test_a_mail_that_is_refused_five_times_is_parked(make_merchant, month, mailbox):
    statement, _ = mail_due(make_merchant, month)
    mailbox.refusing = True
    for _ in range(6):
        flows.send_mails()
        make_due()
    assert state_of(statement) == {"state": "parked", "attempts": 5}


def test_a_mail_server_that_is_away_loses_nothing(make_merchant, month, monkeypatch):
    statement, _ = mail_due(make_merchant, month)
    monkeypatch.setattr(settings, "EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
    monkeypatch.setattr(settings, "EMAIL_PORT", free_port())
    assert flows.send_mails() == 0
    assert state_of(statement)["state"] == "pending"
    db.query("UPDATE statements_delivery SET state = 'parked' WHERE state = 'pending'")


def test_a_name_cannot_add_headers_or_lines(make_merchant, month, mailbox):
    _, address = mail_due(make_merchant, month, name="Shop\r\nBcc: evil@example.com\r\n\r\nHello")
    flows.send_mails()
    (mail,) = mailbox.to(address)
    assert mail["Bcc"] is None
    assert "Dear Shop Bcc: evil@example.com Hello," in mail.get_body().get_content()


def test_a_worker_that_dies_after_sending_sends_again_under_the_same_id(make_merchant, month, mailbox):
    _, address = mail_due(make_merchant, month)
    script = (
        "import os, signal, django; django.setup(); from apps.statements import flows, services;"
        "services.mark_sent = lambda delivery: os.kill(os.getpid(), signal.SIGKILL); flows.send_mails()"
    )
    database = settings.DATABASES["default"]
    url = f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    environment = os.environ | {"DATABASE_URL": url, "MEDIA_DIR": str(settings.MEDIA_ROOT), "EMAIL_PORT": str(settings.EMAIL_PORT)}
    died = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment | {"EMAIL_HOST": "127.0.0.1"}, timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL
    assert flows.send_mails() == 0  # its lease still runs
    make_due()
    assert flows.send_mails() == 1
    first, second = mailbox.to(address)
    assert first["Message-ID"] == second["Message-ID"]
