"""Every list is read by an index, in its order: no plan sorts or scans what others have."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.core.ids import encode, new_id
from tests.payments.shop import Shop

LISTS = [
    "payment_intents",
    f"payment_intents?customer={encode('cus', new_id())}",
    "payment_intents?created[gte]=1",
    "charges",
    f"charges?payment_intent={encode('pi', new_id())}",
    f"charges?customer={encode('cus', new_id())}",
    "refunds",
    f"refunds?charge={encode('ch', new_id())}",
    "customers",
    "customers?email=ada@example.com",
    f"payment_methods?customer={encode('cus', new_id())}",
    "transfers",
    "balance_transactions",
    f"balance_transactions?source={encode('ch', new_id())}",
]


@pytest.fixture
def without_scans() -> Iterator[None]:
    """Tables of a test are too small for an index to pay: take the other ways away."""
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET enable_seqscan; RESET enable_bitmapscan")


def explained(ask: Callable[[], Any]) -> str:
    with CaptureQueriesContext(connection) as queries:
        ask()
    statement = next(query["sql"] for query in reversed(queries.captured_queries) if 'FROM "payments_' in query["sql"])
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + statement)
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.parametrize("path", LISTS, ids=[str(number) for number in range(len(LISTS))])
def test_a_list_is_read_by_an_index(shop: Shop, without_scans: None, path: str) -> None:
    client = Client(headers={"Authorization": f"Bearer {shop.merchant.secret}"})
    plan = explained(lambda: client.get(f"/v1/{path}"))
    assert "Index" in plan, plan
    assert "Seq Scan" not in plan, plan


def test_a_list_reads_no_more_queries_for_more_rows(shop: Shop) -> None:
    client = Client(headers={"Authorization": f"Bearer {shop.merchant.secret}"})
    url = "/v1/payment_intents?expand[]=data.latest_charge.balance_transaction&expand[]=data.payment_method&expand[]=data.customer"
    counts = []
    for _ in range(2):
        shop.pay()
        client.get(url)
        with CaptureQueriesContext(connection) as queries:
            client.get(url)
        counts.append(len([query for query in queries.captured_queries if "payments_" in query["sql"]]))
    assert counts == [1, 1]
