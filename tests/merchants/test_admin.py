"""The back office shows merchants, keys and prices, and changes nothing."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.core import ids
from apps.merchants import services
from apps.merchants.models import ApiKey, PricingPlan


@pytest.fixture(scope="module")
def staff(database) -> Client:
    user = User.objects.create_superuser(f"auditor-{ids.new_id()}", "auditor@florin.example", "a long password")
    client = Client()
    client.force_login(user)
    return client


def page(staff: Client, name: str, *args, **query) -> str:
    response = staff.get(reverse(f"admin:merchants_{name}", args=args), query)
    assert response.status_code == 200
    return response.content.decode()


def test_a_merchant_is_found_by_its_id_and_leads_to_what_belongs_to_it(staff, make_merchant):
    shop, other = make_merchant(name="Found Shop"), make_merchant(name="Other Shop")
    listed = page(staff, "merchant_changelist", q=shop.account)
    assert "Found Shop" in listed
    assert "Other Shop" not in listed
    shown = page(staff, "merchant_change", shop.id)
    assert f"?q={shop.account}" in shown
    assert other.account not in shown


def test_no_page_shows_a_keys_secret_or_hash(staff, make_merchant):
    shop = make_merchant()
    digest = bytes(ApiKey.objects.get(id=shop.key_id).sha256).hex()
    for text in (page(staff, "merchant_change", shop.id), page(staff, "apikey_change", shop.key_id), page(staff, "apikey_changelist")):
        assert shop.secret not in text
        assert digest not in text
    assert f"sk_test_…{shop.secret[-4:]}" in page(staff, "apikey_change", shop.key_id)


def test_a_key_says_what_became_of_it(staff, make_merchant):
    shop, rolled = make_merchant(), make_merchant()
    services.revoke_key(key_id=shop.key_id)
    services.roll_key(key_id=rolled.key_id)
    assert "revoked" in page(staff, "apikey_changelist", q=ids.encode("key", shop.key_id)).lower()
    assert "expired" in page(staff, "apikey_changelist", q=ids.encode("key", rolled.key_id)).lower()


def test_a_price_list_shows_its_rates(staff, make_merchant):
    plan = PricingPlan.objects.get(name=services.DEFAULT_PLAN)
    shown = page(staff, "pricingplan_change", plan.id)
    assert "2.90 %" in shown
    assert "€0.30" in shown


@pytest.mark.parametrize("name", ["merchant", "apikey", "pricingplan"])
def test_nobody_adds_changes_or_deletes_here(staff, make_merchant, name):
    shop = make_merchant()
    record = {"merchant": shop.id, "apikey": shop.key_id, "pricingplan": PricingPlan.objects.get(name=services.DEFAULT_PLAN).id}[name]
    assert staff.get(reverse(f"admin:merchants_{name}_add")).status_code == 403
    assert staff.post(reverse(f"admin:merchants_{name}_delete", args=[record]), {"post": "yes"}).status_code == 403
    assert staff.post(reverse(f"admin:merchants_{name}_change", args=[record]), {"name": "changed"}).status_code == 403


def test_a_name_is_shown_as_text_whatever_it_holds(staff, make_merchant):
    shop = make_merchant(name="<script>alert(1)</script>")
    assert "<script>alert(1)" not in page(staff, "merchant_change", shop.id)
    assert "<script>alert(1)" not in page(staff, "apikey_changelist", q=shop.account)
