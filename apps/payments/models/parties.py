"""Who pays, and with what."""

from django.db import models
from django.db.models import Q

from apps.payments.models.base import Owned, by_merchant, link


class Customer(Owned):
    """A deleted customer keeps its row, for the payments that refer to it."""

    prefix = "cus"

    name = models.TextField(null=True, blank=True)
    email = models.TextField(null=True, blank=True)
    phone = models.TextField(null=True, blank=True)
    description = models.TextField(null=True, blank=True)
    address = models.JSONField(null=True, blank=True)
    shipping = models.JSONField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    default_payment_method_id = models.UUIDField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "payments_customer"
        indexes = [
            by_merchant("customer"),
            models.Index(
                fields=["merchant_id", "livemode", "email", "id"], name="payments_customer_by_email", condition=Q(email__isnull=False)
            ),
        ]


class PaymentMethod(Owned):
    """A card as a token of its gateway; a number is never stored. `card` is what the gateway says of it."""

    prefix = "pm"

    customer = link("payments.Customer", null=True, related_name="payment_methods")
    gateway = models.CharField(max_length=20)
    token = models.CharField(max_length=200)
    card = models.JSONField(null=True, blank=True)
    billing_details = models.JSONField(default=dict, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    detached_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "payments_payment_method"
        indexes = [
            models.Index(
                fields=["merchant_id", "livemode", "customer", "id"],
                name="payments_method_of_customer",
                condition=Q(customer__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(detached_at=None) | Q(customer=None), name="payments_method_detached"),
        ]
