"""Statements and month ends in the back office."""

import uuid

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.closing import selectors as closing
from apps.statements import services
from tests.closing.test_runs import closed
from tests.statements import books

pytestmark = pytest.mark.usefixtures("own_database")


def staff(**details) -> Client:
    client = Client()
    client.force_login(User.objects.create_user(f"user-{uuid.uuid4().hex}", password="not used at all", is_staff=True, **details))
    return client


@pytest.fixture(scope="module")
def shop(make_merchant, calendar):
    """A merchant whose month is closed."""
    merchant, month = make_merchant(name="<script>alert(1)</script>"), next(calendar)
    books.busy_month(merchant.id, month)
    closed(month)
    return merchant, month


@pytest.mark.parametrize("page", ["statements/statement", "statements/work", "statements/delivery", "statements/series", "closing/run"])
def test_lists_open_with_few_queries(shop, page):
    client = staff(is_superuser=True)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = client.get(f"/admin/{page}/")
    assert answer.status_code == 200
    assert len(queries) <= 12
    assert b"<script>alert" not in answer.content


def test_a_statement_shows_its_hashes_and_files(shop):
    (statement,) = books.statements_of(shop[0].id)
    answer = staff(is_superuser=True).get(f"/admin/statements/statement/{statement['id']}/change/")
    text = answer.content.decode()
    assert all(text.count(statement[name]) for name in ("number", "data_sha256", "pdf_sha256", "csv_sha256"))
    assert f"/admin/statements/statement/{statement['id']}/file/pdf" in text


@pytest.mark.parametrize("suffix", ["pdf", "csv"])
def test_staff_download_the_issued_file(shop, suffix):
    (statement,) = books.statements_of(shop[0].id)
    answer = staff(is_superuser=True).get(f"/admin/statements/statement/{statement['id']}/file/{suffix}")
    assert (answer.content, answer["X-Content-Type-Options"]) == (services.file(statement, suffix=suffix), "nosniff")
    assert answer["Content-Disposition"].startswith("attachment")


def test_who_may_not_see_statements_gets_no_file(shop):
    (statement,) = books.statements_of(shop[0].id)
    path = f"/admin/statements/statement/{statement['id']}/file/pdf"
    allowed = staff()
    User.objects.get(pk=allowed.session["_auth_user_id"]).user_permissions.add(Permission.objects.get(codename="view_statement"))
    assert [client.get(path).status_code for client in (Client(), staff(), allowed)] == [302, 403, 200]


def test_an_unknown_file_is_not_found(shop):
    client = staff(is_superuser=True)
    (statement,) = books.statements_of(shop[0].id)
    for path in (f"{statement['id']}/file/exe", f"{uuid.uuid4()}/file/pdf"):
        assert client.get(f"/admin/statements/statement/{path}").status_code == 404


def test_nothing_can_be_changed(shop):
    (statement,) = books.statements_of(shop[0].id)
    client = staff(is_superuser=True)
    for path in ("add/", f"{statement['id']}/delete/"):
        assert client.get(f"/admin/statements/statement/{path}").status_code == 403
    assert client.post(f"/admin/statements/statement/{statement['id']}/change/", {"closing": "1"}).status_code == 403
    assert books.statements_of(shop[0].id) == [statement]


def test_a_month_end_shows_its_steps_and_evidence(shop):
    run = closing.run_of(shop[1])
    text = staff(is_superuser=True).get(f"/admin/closing/run/{run.id}/change/").content.decode()
    assert "Trial balance and invariants" in text
    assert "trial balance sha256" in text
    assert text.count("<progress") >= 7
