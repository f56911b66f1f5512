"""Statements over HTTP, as a merchant's program gets them."""

import hashlib

import pytest
from django.test import Client

from apps.merchants.services import issue_key
from tests.statements import books

pytestmark = pytest.mark.usefixtures("own_database")


@pytest.fixture(scope="module")
def shop(make_merchant, calendar):
    """A merchant with two months in euros (live) and one in test data."""
    merchant, first, second = make_merchant(), next(calendar), next(calendar)
    books.busy_month(merchant.id, first)
    books.busy_month(merchant.id, first, livemode=False)
    books.issued(first, merchant)
    books.issued(second, merchant)
    return merchant


@pytest.fixture
def get(shop):
    """GET with the shop's live key: path → response."""
    return lambda path, key=None, **headers: Client().get(path, headers={"Authorization": f"Bearer {key or shop.live_secret}", **headers})


def listed(get, query: str = "", key: str | None = None) -> list[dict]:
    return get(f"/v1/statements{query}", key).json()["data"]


def test_the_list_has_the_mode_s_statements_newest_first(get, shop):
    live, test = listed(get), listed(get, key=shop.secret)
    assert [(one["month"], one["livemode"], one["opening_balance"], one["closing_balance"]) for one in live] == [
        ("2021-02", True, 6622, 6622),
        ("2021-01", True, 0, 6622),
    ]
    assert [one["livemode"] for one in test] == [False, False]


def test_a_statement_is_shown_with_its_sums_and_hashes(get):
    (found,) = listed(get, "?month=2021-01&currency=eur")
    assert found == get(f"/v1/statements/{found['id']}").json()
    assert found["object"] == "statement"
    assert found["opening_balance"] + sum(found["totals"].values()) == found["closing_balance"]
    assert found["transaction_count"] == 4


def test_pages_go_on_where_the_last_ended(get):
    first = get("/v1/statements?limit=1").json()
    second = get(f"/v1/statements?limit=1&starting_after={first['data'][0]['id']}").json()
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert first["data"][0]["id"] != second["data"][0]["id"]


@pytest.mark.parametrize(("suffix", "type_"), [("pdf", "application/pdf"), ("csv", "text/csv; charset=utf-8")])
def test_a_file_is_an_attachment_with_its_hash(get, suffix, type_):
    found = listed(get)[1]
    answer = get(f"/v1/statements/{found['id']}/{suffix}")
    assert (answer.status_code, answer["Content-Type"], answer["X-Content-Type-Options"]) == (200, type_, "nosniff")
    assert hashlib.sha256(answer.content).hexdigest() == found["files"][suffix]["sha256"]
    assert answer["ETag"] == f'"{found["files"][suffix]["sha256"]}"'
    assert answer["Content-Disposition"] == f'attachment; filename="statement-{found["number"]}-2021-01-eur.{suffix}"'


def test_a_file_that_the_client_has_is_not_sent_again(get):
    found = listed(get)[0]
    answer = get(f"/v1/statements/{found['id']}/pdf", **{"If-None-Match": f'"{found["files"]["pdf"]["sha256"]}"'})
    assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.parametrize("path", ["", "/pdf", "/csv"])
def test_another_merchant_or_mode_finds_nothing(get, shop, make_merchant, path):
    found = listed(get)[0]
    for key in (make_merchant().live_secret, shop.secret):
        answer = get(f"/v1/statements/{found['id']}{path}", key)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "resource_missing")


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("?month=2021-13", "month"),
        ("?month=10/2021", "month"),
        ("?month=2021-1", "month"),
        ("?currency=EUR", "currency"),
        ("?limit=0", "limit"),
        ("?sort=number", "sort"),
        ("?expand[]=merchant", "expand[0]"),
        ("?starting_after=pi_01k8w3t5v2fq8s9m4n7p6r1x0a", "starting_after"),
    ],
)
def test_a_wrong_parameter_is_named(get, query, param):
    answer = get(f"/v1/statements{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize("id_", ["stmt_x", "pi_01k8w3t5v2fq8s9m4n7p6r1x0a", "..%2f..%2fetc%2fpasswd", "stmt_%00", "1%27%20OR%201=1"])
def test_what_is_no_statement_s_id_is_refused(get, id_):
    assert get(f"/v1/statements/{id_}").status_code in (400, 404)
    assert get(f"/v1/statements/{id_}/pdf").status_code in (400, 404)


def test_a_month_in_which_nothing_was_issued_is_an_empty_list(get):
    assert listed(get, "?month=2020-05") == []


def test_a_key_without_the_scope_is_refused(get, shop):
    _, secret = issue_key(merchant_id=shop.id, livemode=True, scopes=["payments:write"])
    assert get("/v1/statements", secret).status_code == 403
