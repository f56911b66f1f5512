"""An audit says what it found, however long it has to look."""

from django.db import transaction

from apps.core import db
from apps.core.audit import Check


def test_a_check_may_take_longer_than_a_request(database: str) -> None:
    check = Check(name="slow", sql="SELECT 1 AS offender FROM pg_sleep(0.2)")
    with transaction.atomic():
        db.query("SET LOCAL statement_timeout = '50ms'")
        assert check.offenders() == [{"offender": 1}]


def test_an_audit_leaves_the_timeout_of_requests_as_it_was(database: str) -> None:
    before = db.query("SHOW statement_timeout")
    Check(name="quick", sql="SELECT 1 AS offender").offenders()
    assert db.query("SHOW statement_timeout") == before != [{"statement_timeout": "0"}]
