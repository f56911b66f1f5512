"""Payments in the back office: everything can be looked at, nothing changed, and no list counts."""

from datetime import date

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core.ids import encode
from apps.payments import services
from apps.payments.models import Attempt, BalanceTransaction, Charge, Customer, Funds, PaymentIntent, PaymentMethod, Refund, Transfer
from tests.payments.shop import Shop

MODELS = [PaymentIntent, Attempt, Charge, Refund, Customer, PaymentMethod, Transfer, BalanceTransaction, Funds]


@pytest.fixture(scope="session")
def staff(database: str) -> Client:
    user = User.objects.create_superuser("payments-admin", "staff@florin.example", "a long enough password")
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def busy(shop: Shop, new_shop) -> Shop:
    """A shop with a row of every kind."""
    api = Client(headers={"Authorization": f"Bearer {shop.merchant.secret}"})
    api.post("/v1/customers", b'{"name": "<script>alert(1)</script>"}', content_type="application/json")
    shop.refund(shop.pay(), amount=1_000)
    services.release_funds(due=date(2190, 1, 1))
    shop.transfer(new_shop(), 100)
    return shop


def _url(model: type, page: str, *args: object) -> str:
    return reverse(f"admin:payments_{model._meta.model_name}_{page}", args=args)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_list_is_short_work_and_counts_nothing(staff: Client, busy: Shop, model: type) -> None:
    with CaptureQueriesContext(connection) as queries:
        answer = staff.get(_url(model, "changelist"))
    ours = [query["sql"] for query in queries.captured_queries if "payments_" in query["sql"]]
    assert (answer.status_code, len(ours)) == (200, 1)
    assert len(queries) <= 12
    assert not [sql for sql in ours if "COUNT(" in sql]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_record_is_found_shown_and_not_to_be_changed(staff: Client, busy: Shop, model: type) -> None:
    record = model.objects.filter(merchant_id=busy.merchant.id).order_by("-pk").first()
    assert staff.get(_url(model, "change", record.pk)).status_code == 200
    name = encode("ch", record.pk) if model is Funds else record.typeid
    assert name in staff.get(_url(model, "changelist"), {"q": name}).content.decode()
    for page, args in (("add", ()), ("delete", (record.pk,))):
        assert staff.post(_url(model, page, *args)).status_code in (403, 404)
    assert staff.post(_url(model, "change", record.pk), {}).status_code == 403


def test_an_intent_leads_to_its_attempts_and_charges(staff: Client, busy: Shop) -> None:
    intent = PaymentIntent.objects.filter(merchant_id=busy.merchant.id).first()
    page = staff.get(_url(PaymentIntent, "change", intent.id)).content.decode()
    for part in (*intent.attempts.all(), *intent.charges.all()):
        assert _url(type(part), "change", part.id) in page
    assert intent.client_secret not in page


def test_names_are_shown_as_text(staff: Client, busy: Shop) -> None:
    page = staff.get(_url(Customer, "changelist")).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


def test_a_merchants_rows_are_found_by_its_account(staff: Client, busy: Shop, new_shop) -> None:
    other = new_shop().pay()["id"]
    page = staff.get(_url(PaymentIntent, "changelist"), {"q": busy.merchant.account}).content.decode()
    assert other not in page
    assert PaymentIntent.objects.filter(merchant_id=busy.merchant.id).first().typeid in page
