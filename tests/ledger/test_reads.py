"""What a merchant reads of the books through the API: its own accounts and its own lines."""

from typing import Any

import pytest
from django.test import Client

from apps.core import ids
from apps.ledger import services
from tests.factories import MadeMerchant
from tests.ledger.book import Book


@pytest.fixture
def shop(make_merchant) -> MadeMerchant:
    return make_merchant()


@pytest.fixture
def book(shop: MadeMerchant) -> Book:
    book = Book()
    book.merchant = shop.id
    return book


def ask(shop: MadeMerchant, path: str, *, status: int = 200, **query: Any) -> dict[str, Any]:
    answer = Client().get(f"/v1/ledger/{path}", query, headers=shop.auth)
    assert answer.status_code == status, answer.content
    return answer.json()


def test_an_account_says_what_it_holds_and_what_of_it_is_held_back(shop: MadeMerchant, book: Book) -> None:
    services.post(book.fund(500))
    services.post(book.entry(holds=[{"id": ids.new_id(), "account": book.code("available"), "amount": 120}]))
    listed = ask(shop, "accounts")
    shown = {"name": "available", "currency": "eur", "balance": 500, "held": 120, "normal_side": "credit", "livemode": False}
    assert [{name: account[name] for name in shown} for account in listed["data"]] == [shown]
    assert ask(shop, f"accounts/{listed['data'][0]['id']}") == listed["data"][0]


def test_an_entry_shows_only_the_merchants_own_lines(shop: MadeMerchant, book: Book) -> None:
    capture = book.entry((book.house("gateway_receivable.sandbox"), 100), (book.code("pending"), -97), (book.house("fees"), -3))
    services.post(capture)
    (entry,) = ask(shop, "entries")["data"]
    assert (entry["id"], entry["source"], entry["kind"]) == (ids.encode("ent", capture["id"]), capture["source"], "test")
    assert [(line["name"], line["side"], line["amount"], line["balance_after"]) for line in entry["lines"]] == [
        ("pending", "credit", 97, 97)
    ]


def test_entries_come_newest_first_page_by_page_and_back(shop: MadeMerchant, book: Book) -> None:
    commands = [book.fund(number) for number in range(1, 8)]
    services.post_many(commands)
    wanted = [ids.encode("ent", command["id"]) for command in reversed(commands)]
    first = ask(shop, "entries", limit=3)
    second = ask(shop, "entries", limit=3, starting_after=first["data"][-1]["id"])
    last = ask(shop, "entries", limit=3, starting_after=second["data"][-1]["id"])
    assert [entry["id"] for page in (first, second, last) for entry in page["data"]] == wanted
    assert [page["has_more"] for page in (first, second, last)] == [True, True, False]
    back = ask(shop, "entries", limit=3, ending_before=last["data"][0]["id"])
    assert back["data"] == second["data"]


def test_entries_of_one_account_only(shop: MadeMerchant, book: Book) -> None:
    services.post_many([book.fund(10), book.entry((book.code("available"), 4), (book.code("reserve"), -4))])
    accounts = {account["name"]: account["id"] for account in ask(shop, "accounts")["data"]}
    assert len(ask(shop, "entries")["data"]) == 2
    assert [line["name"] for line in ask(shop, "entries", account=accounts["reserve"])["data"][0]["lines"]] == ["reserve"]


def test_nobody_sees_anothers_books(shop: MadeMerchant, book: Book, make_merchant) -> None:
    services.post(book.fund(500))
    account = ask(shop, "accounts")["data"][0]["id"]
    other = make_merchant()
    for key in (account, ids.encode("acc", ids.new_id())):
        assert ask(other, f"accounts/{key}", status=404)["error"]["code"] == "resource_missing"
        assert ask(other, "entries", status=404, account=key)["error"]["code"] == "resource_missing"
    live = Client().get("/v1/ledger/accounts", headers={"Authorization": f"Bearer {shop.live_secret}"}).json()
    assert live["data"] == []


BAD = {
    "accounts?limit=0": "limit",
    "accounts?limit=101": "limit",
    "accounts?currency=EUR": "currency",
    "accounts?color=red": "color",
    "entries?account=pi_01h455vb4pex5vsknk084sn02q": "account",
    "entries?starting_after=x": "starting_after",
    "accounts/acc_zzz": "id",
}


@pytest.mark.parametrize("path", BAD)
def test_a_wrong_parameter_is_named(shop: MadeMerchant, path: str) -> None:
    error = ask(shop, path, status=400)["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", BAD[path])


def test_ledger_reads_need_their_scope(shop: MadeMerchant) -> None:
    from apps.merchants import services as merchants

    _, secret = merchants.issue_key(merchant_id=shop.id, livemode=False, scopes=["payments:read"])
    answer = Client().get("/v1/ledger/accounts", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 403
