"""What the merchant is told when an endpoint is switched off, through a real mail server."""

from uuid import UUID

import pytest

from apps.core import ids
from apps.events import services
from apps.merchants import tasks
from config.event_routes import ROUTES
from tests.events.listener import Reply
from tests.events.world import Shop, now_due, relay


def switched_off(shop: Shop, reason: str, url: str = "https://shop.example/hook?token=s3cret") -> tuple[UUID, list[str]]:
    """The event that says so and the consequence that follows from it."""
    endpoint = shop.listens(url)
    services.disable_endpoint(endpoint_id=endpoint.id, reason=reason)
    relay(ROUTES)
    event_id = shop.events("webhook_endpoint.disabled")[-1]["id"]
    return event_id, [str(row["id"]) for row in shop.consequences(event_id)]


@pytest.mark.parametrize(("reason", "said"), [("gone", "410 Gone"), ("failing", "three days")])
def test_the_merchant_reads_which_endpoint_why_and_what_to_do(shop, mailbox, reason, said):
    _, consequences = switched_off(shop, reason)
    assert tasks.tell_endpoint_disabled(consequences) == 1
    (mail,) = mailbox.messages
    text = mail.get_content()
    endpoint_id = shop.events("webhook_endpoint.disabled")[0]["object_id"]
    assert mail["To"].startswith("books")
    for part in (said, "https://shop.example/hook", ids.encode("we", endpoint_id), "GET /v1/events", "test mode"):
        assert part in text
    assert "s3cret" not in text


def test_it_is_told_once(shop, mailbox):
    _, consequences = switched_off(shop, "gone")
    for _ in range(3):
        tasks.tell_endpoint_disabled(consequences)
    assert len(mailbox.messages) == 1


def test_a_refused_mail_is_sent_with_the_next_try_under_its_own_id(shop, mailbox):
    mailbox.refusals = 1
    event_id, consequences = switched_off(shop, "gone")
    tasks.tell_endpoint_disabled(consequences)
    assert (mailbox.messages, shop.consequences(event_id)[0]["last_error"]) == ([], "SMTPDataError")
    now_due(consequences)
    tasks.tell_endpoint_disabled(consequences)
    assert [mail["Message-ID"] for mail in mailbox.messages] == [f"<endpoint-disabled.{ids.encode('evt', event_id)}@florin>"]


def test_an_answer_of_410_ends_in_a_mail(shop, listener, mailbox):
    listener.last = Reply(410)
    shop.told(listener.url)
    relay(ROUTES)
    event_id = shop.events("webhook_endpoint.disabled")[0]["id"]
    tasks.tell_endpoint_disabled([str(row["id"]) for row in shop.consequences(event_id)])
    assert listener.url in mailbox.messages[0].get_content()


def test_an_endpoint_that_the_merchant_switched_off_is_no_news(shop, mailbox):
    endpoint = shop.listens("https://shop.example/hook")
    services.update_endpoint(merchant_id=shop.id, livemode=False, endpoint_id=endpoint.id, changes={"disabled": True})
    assert shop.events("webhook_endpoint.disabled") == []
