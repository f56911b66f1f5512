"""Payments as the merchant asked for them, what was asked of gateways, and what came of it.

What values a row may have is checked in `sql/0002_rules.sql`."""

from django.db import models
from django.db.models import Case, F, Q, When
from django.db.models.functions import Now

from apps.payments.domain import states
from apps.payments.models.base import Owned, by_merchant, link

LIVE = ("started", "unknown")


class PaymentIntent(Owned):
    prefix = "pi"

    status = models.CharField(max_length=24, choices=[(status, status) for status in states.STATUSES])
    amount = models.BigIntegerField()
    amount_capturable = models.BigIntegerField(default=0)
    amount_received = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    capture_method = models.CharField(max_length=16)
    confirmation_method = models.CharField(max_length=10)
    customer = link("payments.Customer", null=True)
    payment_method = link("payments.PaymentMethod", null=True)
    latest_charge = link("payments.Charge", null=True, constraint=False)
    client_secret = models.CharField(max_length=80)
    description = models.TextField(null=True, blank=True)
    statement_descriptor = models.CharField(max_length=22, null=True, blank=True)
    statement_descriptor_suffix = models.CharField(max_length=22, null=True, blank=True)
    receipt_email = models.TextField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    setup_future_usage = models.CharField(max_length=11, null=True, blank=True)
    shipping = models.JSONField(null=True, blank=True)
    automatic_payment_methods = models.JSONField(null=True, blank=True)
    payment_method_options = models.JSONField(default=dict, blank=True)
    transfer_group = models.TextField(null=True, blank=True)
    return_url = models.TextField(null=True, blank=True)
    next_action = models.JSONField(null=True, blank=True)
    last_payment_error = models.JSONField(null=True, blank=True)
    canceled_at = models.DateTimeField(null=True, blank=True)
    cancellation_reason = models.CharField(max_length=24, null=True, blank=True)

    class Meta:
        db_table = "payments_intent"
        verbose_name = "payment intent"
        indexes = [
            by_merchant("intent"),
            models.Index(
                fields=["merchant_id", "livemode", "customer", "id"],
                name="payments_intent_of_customer",
                condition=Q(customer__isnull=False),
            ),
        ]


class Attempt(Owned):
    """One thing asked of a gateway; `typeid` is the reference by which the gateway knows it.

    `sent_until`: no byte of a call for it leaves later. `missing_since`: since when the gateway,
    reachable, has said that it does not know the reference. Both, like `next_look_at`, go by the
    database's clock.
    """

    prefix = "att"

    intent = link("payments.PaymentIntent", related_name="attempts")
    charge_id = models.UUIDField(null=True, editable=False)
    refund_id = models.UUIDField(null=True, editable=False)
    payment_method_id = models.UUIDField(null=True, editable=False)
    authorization_id = models.UUIDField(null=True, editable=False)
    kind = models.CharField(max_length=10, choices=[(kind, kind) for kind in ("authorize", "capture", "void", "refund")])
    state = models.CharField(max_length=10, choices=[(state, state) for state in ("started", "unknown", "waiting", "succeeded", "failed")])
    gateway = models.CharField(max_length=20)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    capture = models.BooleanField(default=False)
    off_session = models.BooleanField(default=False)
    code = models.CharField(max_length=60, null=True)
    decline_code = models.CharField(max_length=60, null=True)
    network_reference = models.CharField(max_length=100, null=True)
    request = models.JSONField(default=dict)
    looks = models.IntegerField(default=0, db_default=0)
    next_look_at = models.DateTimeField(null=True)
    sent_until = models.DateTimeField()
    missing_since = models.DateTimeField(null=True)
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "payments_attempt"
        indexes = [
            models.Index(fields=["intent"], name="payments_attempt_of_intent"),
            models.Index(fields=["next_look_at"], name="payments_attempt_due", condition=Q(next_look_at__isnull=False)),
        ]
        constraints = [
            # One that a gateway is being asked about, and one that waits for its customer.
            models.UniqueConstraint(
                "intent",
                Case(When(state="waiting", then=True), default=False),
                name="payments_attempt_one_live",
                condition=Q(state__in=[*LIVE, "waiting"]) & ~Q(kind="refund"),
            ),
        ]


class Charge(Owned):
    """What an authorisation became. A failed try is a charge as well, if the gateway knows of it."""

    prefix = "ch"
    # The gateway is asked, and sometimes its customer, before there is a charge.
    ids_are = "early"

    intent = link("payments.PaymentIntent", related_name="charges")
    attempt = link("payments.Attempt", constraint=False)
    customer = link("payments.Customer", null=True, constraint=False)
    payment_method = link("payments.PaymentMethod", null=True, constraint=False)
    balance_transaction = link("payments.BalanceTransaction", null=True, constraint=False)
    status = models.CharField(max_length=10, choices=[(status, status) for status in ("succeeded", "failed")])
    amount = models.BigIntegerField()
    amount_captured = models.BigIntegerField(default=0)
    amount_refunded = models.BigIntegerField(default=0)
    amount_refund_pending = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    captured = models.BooleanField(default=False)
    failure_code = models.CharField(max_length=60, null=True)
    failure_message = models.TextField(null=True)
    decline_code = models.CharField(max_length=60, null=True)
    network_reference = models.CharField(max_length=100, null=True)
    card = models.JSONField(null=True)
    billing_details = models.JSONField(default=dict)
    description = models.TextField(null=True)
    statement_descriptor = models.CharField(max_length=22, null=True)
    statement_descriptor_suffix = models.CharField(max_length=22, null=True)
    receipt_email = models.TextField(null=True)
    metadata = models.JSONField(default=dict)
    shipping = models.JSONField(null=True)
    transfer_group = models.TextField(null=True)

    class Meta:
        db_table = "payments_charge"
        indexes = [
            by_merchant("charge"),
            models.Index(fields=["intent"], name="payments_charge_of_intent"),
            models.Index(
                fields=["merchant_id", "livemode", "customer", "id"],
                name="payments_charge_of_customer",
                condition=Q(customer__isnull=False),
            ),
        ]


class Refund(Owned):
    """`from_available` and `from_pending` say which balance pays; `draws` which payments' pending funds."""

    prefix = "re"

    charge = link("payments.Charge", related_name="refunds")
    intent = link("payments.PaymentIntent", constraint=False)
    attempt = link("payments.Attempt", constraint=False)
    balance_transaction = link("payments.BalanceTransaction", null=True, constraint=False)
    status = models.CharField(max_length=10, choices=[(status, status) for status in ("pending", "succeeded", "failed")])
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=24, null=True)
    failure_reason = models.CharField(max_length=40, null=True)
    metadata = models.JSONField(default=dict)
    from_available = models.BigIntegerField(default=0)
    from_pending = models.BigIntegerField(default=0)
    draws = models.JSONField(default=list)
    available_hold_id = models.UUIDField(null=True)
    pending_hold_id = models.UUIDField(null=True)

    class Meta:
        db_table = "payments_refund"
        indexes = [
            by_merchant("refund"),
            models.Index(fields=["charge"], name="payments_refund_of_charge"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=["pending", "succeeded", "failed"]), name="payments_refund_status"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payments_refund_amount"),
            models.CheckConstraint(
                condition=Q(from_available__gte=0, from_pending__gte=0, amount=F("from_available") + F("from_pending")),
                name="payments_refund_paid_by",
            ),
            models.CheckConstraint(
                condition=Q(status="succeeded", balance_transaction__isnull=False) | (~Q(status="succeeded") & Q(balance_transaction=None)),
                name="payments_refund_booked",
            ),
        ]
