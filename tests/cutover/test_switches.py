"""What the database itself refuses, and writes, about switches."""

import pytest
from django.db import DatabaseError, connection
from django.db.models.functions import Now

from apps.core import ids
from apps.cutover.models import Change, Switch


def made(**details) -> Switch:
    """A switch of a merchant of its own, so that nobody else's requests follow it."""
    return Switch.objects.create(
        **{"endpoint": "balance.retrieve", "merchant_id": ids.new_id(), "changed_by": "ada", "reason": "a try"} | details
    )


def version() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT version FROM cutover_version")
        return cursor.fetchone()[0]


def test_every_change_is_in_the_history(database) -> None:
    switch = made(hot_percent=10)
    Switch.objects.filter(id=switch.id).update(hot_percent=0, changed_by="bob", reason="it broke", changed_at=Now())
    first, second = Change.objects.filter(merchant_id=switch.merchant_id).order_by("id")
    assert (first.actor, first.reason, first.before, first.after["hot_percent"]) == ("ada", "a try", None, 10)
    assert (second.actor, second.reason) == ("bob", "it broke")
    assert (second.before["hot_percent"], second.after["hot_percent"]) == (10, 0)
    assert second.at > first.at


def test_every_change_raises_the_version(database) -> None:
    before = version()
    made()
    assert version() == before + 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cutover_change SET actor = 'eve'",
        "DELETE FROM cutover_change",
        "TRUNCATE cutover_change",
        "DELETE FROM cutover_switch",
        "TRUNCATE cutover_switch",
        "UPDATE cutover_switch SET merchant_id = NULL, changed_at = now()",
    ],
)
def test_the_history_and_its_switches_stay(database, statement: str) -> None:
    switch = made(hot_percent=50)
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute(statement)
    assert Change.objects.get(merchant_id=switch.merchant_id).actor == "ada"


def test_a_change_that_does_not_say_who_and_why_is_refused(database) -> None:
    switch = made(hot_percent=50)
    with pytest.raises(DatabaseError, match="changed_by, reason and changed_at"):
        Switch.objects.filter(id=switch.id).update(hot_percent=0)
    assert Switch.objects.get(id=switch.id).hot_percent == 50


@pytest.mark.parametrize("wrong", [{"hot_percent": 101}, {"hot_percent": -1}, {"reason": ""}, {"changed_by": ""}, {"window_s": 1}])
def test_a_switch_that_means_nothing_is_refused(database, wrong) -> None:
    before = version()
    with pytest.raises(DatabaseError):
        made(**wrong)
    assert version() == before


def test_there_is_one_switch_for_everybody(database) -> None:
    first = Switch.objects.filter(endpoint="*", merchant_id=None).first() or made(endpoint="*", merchant_id=None, hot_percent=None)
    with pytest.raises(DatabaseError):
        made(endpoint=first.endpoint, merchant_id=None)
    assert Switch.objects.filter(endpoint="*", merchant_id=None).count() == 1
