"""Who may throw switches reads in a mail that an endpoint was turned classic by itself."""

from smtplib import SMTPException

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection

from apps.core import ids
from apps.cutover import services, tasks
from apps.cutover.models import Change, Notice

BALANCE = "balance.retrieve"
REASON = "6 of 7 hot requests failed within 60 s (85.7 %; at most 5 % may)"

pytestmark = pytest.mark.usefixtures("scratch_database")


def staff(*permissions: str, **facts: object) -> User:
    name = f"ada-{ids.new_id()}"
    user = User.objects.create_user(name, password="a long password", **{"is_staff": True, "email": f"{name}@florin.example"} | facts)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="cutover", codename__in=permissions))
    return user


def turned(endpoint: str = BALANCE, actor: str = services.AUTOMATIC) -> None:
    services.roll_back(to="classic", endpoint=endpoint, actor=actor, reason=f"automatic: {REASON}")


def test_whoever_may_throw_the_switch_reads_what_was_turned_why_and_what_to_do(mailbox) -> None:
    ada, _, root = staff("change_switch"), staff("view_switch"), staff(is_superuser=True)
    turned()
    assert tasks.tell_rollbacks() == 2
    assert {mail["To"] for mail in mailbox.messages} == {ada.email, root.email}
    text = mailbox.messages[0].get_content()
    for part in (BALANCE, REASON, "/admin/cutover/switch/", f"manage.py cutover set {BALANCE} hot --percent 1"):
        assert part in text
    assert "automatic: " not in text


def test_it_is_told_once(mailbox) -> None:
    staff("change_switch")
    turned()
    assert [tasks.tell_rollbacks() for _ in range(3)] == [1, 0, 0]


def test_merchants_switches_that_went_along_are_in_the_same_letter(mailbox, make_merchant) -> None:
    staff("change_switch")
    for shop in (make_merchant(), make_merchant()):
        services.throw(endpoint=BALANCE, merchant_id=shop.id, hot_percent=100, actor="ada", reason="a pilot")
    turned()
    assert tasks.tell_rollbacks() == 1
    (mail,) = mailbox.messages
    assert mail.get_content().count("hot → classic") == Change.objects.filter(actor=services.AUTOMATIC).count() - 1 == 2


def test_what_a_person_turned_is_told_to_nobody(mailbox) -> None:
    staff("change_switch")
    turned(actor="ada")
    assert (tasks.tell_rollbacks(), mailbox.messages) == (0, [])


def test_a_mail_that_was_refused_is_sent_when_its_time_comes_again(mailbox) -> None:
    staff("change_switch")
    turned()
    mailbox.refusals = 1
    with pytest.raises(SMTPException):
        tasks.tell_rollbacks()
    assert tasks.tell_rollbacks() == 0  # whoever claimed it may still be at it
    _let_two_minutes_pass()
    assert tasks.tell_rollbacks() == 1
    (mail,) = mailbox.messages
    assert mail["Message-ID"].startswith("<cutover-rollback.")


def test_where_nobody_has_an_address_it_is_not_tried_for_ever(mailbox) -> None:
    staff("change_switch", email="")
    turned()
    assert tasks.tell_rollbacks() == 0
    assert not Notice.objects.filter(told_at=None).exists()


def test_those_who_left_are_told_nothing(mailbox) -> None:
    staff("change_switch", is_active=False)
    staff("change_switch", is_staff=False)
    turned()
    assert (tasks.tell_rollbacks(), mailbox.messages) == (0, [])


def _let_two_minutes_pass() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cutover_notice SET claimed_at = claimed_at - interval '2 minutes'")
