"""Events, who gets told of them, and what happened when they were.

An event is written once, in the transaction of the change it reports, and never changes. Beside it
stands a row in the outbox until a relay has turned it into work: one delivery per webhook endpoint
that wants it, one consequence per task that follows from it.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from apps.core.ids import new_id


class Event(models.Model):
    """What happened to one object. Partitioned by month of `created`; append-only (a trigger refuses
    changes). `data` is the object as the API rendered it then, kept as text so that it never changes
    by a byte. `sequence` is the object's version: the order of events of one object."""

    id = models.UUIDField(primary_key=True)
    merchant_id = models.UUIDField()
    livemode = models.BooleanField()
    type = models.CharField(max_length=100)
    created = models.DateTimeField(help_text="Business time")
    object_id = models.UUIDField()
    sequence = models.IntegerField()
    data = models.TextField()
    previous_attributes = models.TextField(null=True)
    request_id = models.CharField(max_length=64, null=True)
    idempotency_key = models.CharField(max_length=255, null=True)

    class Meta:
        # The table is made by sql/0001_events.sql: Django cannot make a partitioned one. Its real
        # primary key is (id, created); ids are unique by themselves.
        managed = False
        db_table = "events_event"

    def __str__(self) -> str:
        return self.type


class OutboxEntry(models.Model):
    """An event that no relay has seen yet. The relay deletes the row in the transaction that writes
    the work which follows from it."""

    event_id = models.UUIDField(primary_key=True)
    event_created = models.DateTimeField()
    merchant_id = models.UUIDField()
    livemode = models.BooleanField()
    type = models.CharField(max_length=100)
    written_at = models.DateTimeField(help_text="The database's clock")

    class Meta:
        db_table = "events_outbox"


class WebhookEndpoint(models.Model):
    """A merchant's URL and the events it wants. Its secrets are not stored: each is derived from the
    platform's key, this row's id and `secret_version`."""

    id = models.UUIDField(primary_key=True, default=new_id)
    merchant_id = models.UUIDField()
    livemode = models.BooleanField()
    url = models.CharField(max_length=2048)
    enabled_events = ArrayField(models.CharField(max_length=100))
    description = models.CharField(max_length=5000, null=True)
    metadata = models.JSONField(default=dict)
    api_version = models.CharField(max_length=32, null=True)
    status = models.CharField(max_length=8, default="enabled")
    disabled_reason = models.CharField(max_length=8, null=True)
    version = models.IntegerField(default=1, help_text="Grows with every change; the sequence of its events")
    secret_version = models.IntegerField(default=1)
    previous_secret_until = models.DateTimeField(null=True, help_text="Until then both secrets sign")
    failures = models.IntegerField(default=0, help_text="Failed attempts since the last success")
    failing_since = models.DateTimeField(null=True)
    probes = models.IntegerField(default=0, help_text="Failed rounds since the last success")
    probe_at = models.DateTimeField(null=True, help_text="While the endpoint is down, the next time it is tried")
    created = models.DateTimeField(help_text="Business time")
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "events_webhook_endpoint"
        constraints = [
            models.CheckConstraint(name="events_endpoint_status", condition=Q(status__in=["enabled", "disabled"])),
            models.CheckConstraint(
                name="events_endpoint_reason",
                condition=Q(status="enabled", disabled_reason=None)
                | Q(status="disabled", disabled_reason__in=["merchant", "gone", "failing"]),
            ),
            models.CheckConstraint(
                name="events_endpoint_counts", condition=Q(failures__gte=0, probes__gte=0, version__gte=1, secret_version__gte=1)
            ),
        ]
        indexes = [models.Index(name="events_endpoint_of_merchant", fields=["merchant_id", "livemode", "id"])]

    def __str__(self) -> str:
        return self.url


class Delivery(models.Model):
    """One event for one endpoint, until it is `succeeded`, `failed` (the schedule is over),
    `dropped` (the endpoint is disabled or deleted) or `parked` (it killed its worker time and again).

    Times are by the database's clock. `attempts` counts recorded outcomes of the present schedule,
    `claims` every take by a worker (the fencing token of its outcome), `losses` the takes in a row
    that never reported. `poke_at` is when the sweeper next tells a worker about it."""

    id = models.UUIDField(primary_key=True)
    event_id = models.UUIDField()
    event_created = models.DateTimeField()
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    merchant_id = models.UUIDField()
    livemode = models.BooleanField()
    state = models.CharField(max_length=10, default="pending")
    fanout = models.IntegerField(help_text="How many endpoints the event went to: `pending_webhooks` in the body")
    api_version = models.CharField(max_length=32, help_text="As the body says, for every attempt")
    attempts = models.IntegerField(default=0)
    claims = models.IntegerField(default=0)
    losses = models.IntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    poke_at = models.DateTimeField()
    last_status = models.IntegerField(null=True)
    last_error = models.CharField(max_length=16, null=True)
    created = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "events_delivery"
        constraints = [
            models.UniqueConstraint(name="events_delivery_once", fields=["event_id", "endpoint"]),
            models.CheckConstraint(
                name="events_delivery_state", condition=Q(state__in=["pending", "succeeded", "failed", "dropped", "parked"])
            ),
            models.CheckConstraint(
                name="events_delivery_finished",
                condition=Q(state="pending", finished_at=None) | (~Q(state="pending") & Q(finished_at__isnull=False, lease_until=None)),
            ),
            models.CheckConstraint(
                name="events_delivery_counts", condition=Q(attempts__gte=0, losses__gte=0, claims__gte=F("losses"), fanout__gte=1)
            ),
        ]
        indexes = [
            models.Index(name="events_delivery_due", fields=["poke_at"], condition=Q(state="pending")),
            models.Index(name="events_delivery_leased", fields=["endpoint", "lease_until"], condition=Q(lease_until__isnull=False)),
            models.Index(name="events_delivery_of_endpoint", fields=["endpoint", "id"]),
            # What people look for, among millions that went well.
            models.Index(name="events_delivery_unsent", fields=["state", "id"], condition=Q(state__in=["failed", "dropped", "parked"])),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} → {self.endpoint_id}"


class DeliveryAttempt(models.Model):
    """One HTTP request made for a delivery: the log that the merchant and support look at."""

    id = models.UUIDField(primary_key=True)
    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="log", db_index=False)
    number = models.IntegerField(help_text="The claim it was made under")
    started_at = models.DateTimeField()
    duration_ms = models.IntegerField()
    status = models.IntegerField(null=True)
    error = models.CharField(max_length=16, null=True)
    response = models.CharField(max_length=1024, default="", help_text="The first kilobyte of the answer")

    class Meta:
        db_table = "events_delivery_attempt"
        constraints = [
            models.UniqueConstraint(name="events_attempt_once", fields=["delivery", "number"]),
            models.CheckConstraint(name="events_attempt_outcome", condition=Q(status__isnull=False) | Q(error__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number}"


class Consequence(models.Model):
    """One task that follows from one event, until it is `done` or `parked` after five attempts.
    `attempts` is counted before the work, so that work which kills its worker is counted too."""

    id = models.UUIDField(primary_key=True)
    event_id = models.UUIDField()
    event_created = models.DateTimeField()
    task = models.CharField(max_length=100)
    state = models.CharField(max_length=8, default="pending")
    attempts = models.IntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    poke_at = models.DateTimeField()
    last_error = models.CharField(max_length=500, null=True)
    created = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "events_consequence"
        constraints = [
            models.UniqueConstraint(name="events_consequence_once", fields=["event_id", "task"]),
            models.CheckConstraint(name="events_consequence_state", condition=Q(state__in=["pending", "done", "parked"])),
            models.CheckConstraint(
                name="events_consequence_finished",
                condition=Q(state="pending", finished_at=None) | (~Q(state="pending") & Q(finished_at__isnull=False, lease_until=None)),
            ),
            models.CheckConstraint(name="events_consequence_counts", condition=Q(attempts__gte=0)),
        ]
        indexes = [
            models.Index(name="events_consequence_due", fields=["poke_at"], condition=Q(state="pending")),
            models.Index(name="events_consequence_parked", fields=["id"], condition=Q(state="parked")),
        ]

    def __str__(self) -> str:
        return self.task
