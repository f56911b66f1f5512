"""The back office shows the books, links from one thing to the next, and changes nothing."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core import db, ids
from apps.ledger import selectors, services
from apps.ledger.models import Hold
from tests.ledger.book import Book, seal_all

LISTS = ["account", "entry", "posting", "hold", "period", "seal"]


@pytest.fixture(scope="module")
def staff(database: str) -> Client:
    user = User.objects.create_superuser(f"auditor-{ids.new_id()}", "auditor@florin.example", "a long password")
    client = Client()
    client.force_login(user)
    return client


def page(staff: Client, name: str, *key: object, **query: str) -> str:
    response = staff.get(reverse(f"admin:ledger_{name}", args=key), query)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("model", LISTS)
def test_a_list_takes_few_queries_and_counts_nothing(staff: Client, book: Book, model: str) -> None:
    services.post_many([book.fund(100) for _ in range(20)])
    services.post(book.entry(holds=[{"id": ids.new_id(), "account": book.code("available"), "amount": 5}]))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        page(staff, f"{model}_changelist")
    assert len(asked) <= 8
    assert [query["sql"] for query in asked if "COUNT(" in query["sql"].upper()] == []


def test_a_merchants_accounts_are_found_with_what_they_hold(staff: Client, book: Book) -> None:
    services.post(book.fund(123_456))
    listed = page(staff, "account_changelist", q=ids.encode("acct", book.merchant))
    assert book.code("available") in listed
    assert "€1,234.56" in listed


def test_an_entry_is_found_by_its_source_and_shows_its_lines(staff: Client, book: Book) -> None:
    command = book.fund(123_456)
    services.post(command)
    assert ids.encode("ent", command["id"]) in page(staff, "entry_changelist", q=command["source"])
    assert ids.encode("ent", command["id"]) not in page(staff, "entry_changelist", q="ch_nobody")
    shown = page(staff, "entry_change", command["id"])
    assert book.code("available") in shown
    assert shown.count("€1,234.56") >= 3


def test_an_entry_and_its_reversal_lead_to_each_other(staff: Client, book: Book) -> None:
    first = services.post(book.fund(100)).entry_id
    second = services.reverse(first, reason="twice").entry_id
    assert reverse("admin:ledger_entry_change", args=[second]) in page(staff, "entry_change", first)
    assert reverse("admin:ledger_entry_change", args=[first]) in page(staff, "entry_change", second)


def test_an_account_leads_to_its_postings_in_the_order_of_its_balance(staff: Client, book: Book) -> None:
    services.post_many([book.fund(100), book.spend(30)])
    account = selectors.merchant_accounts(book.merchant, livemode=False)[0]["id"]
    assert f"?account__id__exact={account}" in page(staff, "account_change", account)
    listed = page(staff, "posting_changelist", account__id__exact=str(account))
    assert listed.index("€0.70") < listed.index("€1.00")


def test_a_hold_says_what_became_of_it(staff: Client, book: Book) -> None:
    hold = ids.new_id()
    services.post(book.fund(100))
    services.post(book.entry(holds=[{"id": hold, "account": book.code("available"), "amount": 60}], source="re_shown"))
    services.post(book.spend(60, settles=[{"id": hold, "as": "posted"}]))
    listed = page(staff, "hold_changelist", q="re_shown")
    assert reverse("admin:ledger_entry_change", args=[Hold.objects.get(id=hold).entry_id]) in listed


def test_a_seal_shows_its_hash_and_leads_to_its_entries(staff: Client, book: Book) -> None:
    services.post(book.fund(100))
    seal_all()
    seal = db.query("SELECT no, encode(hash, 'hex') AS hash FROM ledger_seal ORDER BY no DESC LIMIT 1")[0]
    shown = page(staff, "seal_change", seal["no"])
    assert seal["hash"] in shown
    sealed = db.query("SELECT id FROM ledger_entry WHERE seal_no = %s ORDER BY booked_on DESC, id DESC LIMIT 1", [seal["no"]])[0]["id"]
    assert ids.encode("ent", sealed) in page(staff, "entry_changelist", seal_no=str(seal["no"]))


@pytest.mark.parametrize("model", LISTS)
def test_nothing_can_be_added_changed_or_deleted(staff: Client, book: Book, model: str) -> None:
    command = book.fund(100)
    services.post(command)
    assert staff.get(reverse(f"admin:ledger_{model}_add")).status_code == 403
    for action in ("change", "delete"):
        answer = staff.post(reverse("admin:ledger_entry_" + action, args=[command["id"]]), {"source": "x", "post": "yes"})
        assert answer.status_code == 403
    assert book.available() == 100
