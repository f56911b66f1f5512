"""Merchants, their API keys, and what they pay."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.core import ids
from apps.core.caching.cached_model import CachedManager, CachedModel
from apps.merchants.domain import PRICING


class PricingPlan(CachedModel):
    """A price list. Money from a capture is available `availability_days` business days later."""

    cached_as = PRICING
    objects = CachedManager["PricingPlan"]()
    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    name = models.TextField(unique=True)
    availability_days = models.SmallIntegerField(default=2)
    created = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "merchants_pricing_plan"
        constraints = [
            models.CheckConstraint(
                condition=Q(availability_days__gte=0, availability_days__lte=365), name="merchants_pricing_plan_availability"
            )
        ]

    def __str__(self) -> str:
        return self.name


class PricingRate(CachedModel):
    """Basis points of the amount plus a fixed sum (minor units of the currency), for one currency and
    method. The currency `*` holds for all that have no rate of their own."""

    cached_as = PRICING
    objects = CachedManager["PricingRate"]()
    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    plan = models.ForeignKey(PricingPlan, on_delete=models.PROTECT, related_name="rates")
    currency = models.CharField(max_length=3)
    method = models.CharField(max_length=20, default="card")
    basis_points = models.IntegerField()
    fixed_minor = models.BigIntegerField()

    class Meta:
        db_table = "merchants_pricing_rate"
        constraints = [
            models.UniqueConstraint(fields=["plan", "currency", "method"], name="merchants_pricing_rate_once"),
            models.CheckConstraint(condition=Q(basis_points__gte=0, basis_points__lte=10_000), name="merchants_pricing_rate_points"),
            models.CheckConstraint(condition=Q(fixed_minor__gte=0), name="merchants_pricing_rate_fixed"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.currency}: {self.basis_points} bp + {self.fixed_minor}"


class Merchant(CachedModel):
    """A company that takes payments. `settings` may hold `require_idempotency_key` (bool),
    `limit_per_key` and `limit_per_merchant` (requests a second)."""

    cached_as = PRICING
    objects = CachedManager["Merchant"]()
    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    name = models.TextField()
    legal_name = models.TextField()
    email = models.EmailField()
    country = models.CharField(max_length=2)
    tax_id = models.TextField(blank=True, default="")
    address = models.JSONField(default=dict, blank=True)
    default_currency = models.CharField(max_length=3)
    locale = models.CharField(max_length=20, default="en")
    time_zone = models.CharField(max_length=64, default="UTC")
    settings = models.JSONField(default=dict, blank=True)
    pricing_plan = models.ForeignKey(PricingPlan, on_delete=models.PROTECT, related_name="merchants")
    created = models.DateTimeField()

    class Meta:
        db_table = "merchants_merchant"
        constraints = [
            models.CheckConstraint(condition=Q(country__regex=r"^[A-Z]{2}$"), name="merchants_merchant_country"),
            models.CheckConstraint(condition=Q(default_currency__regex=r"^[a-z]{3}$"), name="merchants_merchant_currency"),
        ]

    def __str__(self) -> str:
        return self.name


class ApiKey(models.Model):
    """A secret key, of which only the SHA-256 is kept. Usable until `expires_at` unless revoked."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="api_keys")
    livemode = models.BooleanField()
    prefix = models.CharField(max_length=8)
    sha256 = models.BinaryField(max_length=32, unique=True)
    last4 = models.CharField(max_length=4)
    scopes = ArrayField(models.TextField(), default=list, blank=True)
    created = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    replaced_by = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="replaces")

    class Meta:
        db_table = "merchants_api_key"
        constraints = [
            models.CheckConstraint(
                condition=Q(livemode=True, prefix="sk_live_") | Q(livemode=False, prefix="sk_test_"), name="merchants_api_key_prefix"
            )
        ]

    def __str__(self) -> str:
        return f"{self.prefix}…{self.last4}"
