"""One row per Idempotency-Key of a merchant and mode."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now


class Record(models.Model):
    """Running: someone holds the lease until `locked_until`. Done: `status` and `body` are the answer."""

    RUNNING, DONE = "running", "done"

    pk = models.CompositePrimaryKey("merchant_id", "livemode", "key")
    merchant_id = models.UUIDField()
    livemode = models.BooleanField()
    key = models.TextField()
    fingerprint = models.BinaryField()
    state = models.TextField(choices=[(RUNNING, "running"), (DONE, "done")])
    status = models.SmallIntegerField(null=True)
    body = models.TextField(null=True)
    object_id = models.UUIDField(null=True)
    locked_until = models.DateTimeField(null=True)
    attempt_no = models.IntegerField(db_default=1)
    created = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "idempotency_record"
        # Rows lie in the order of their creation, so a block range index finds the old ones for the purge
        # and costs an insert next to nothing.
        indexes = [BrinIndex(fields=["created"], name="idempotency_record_created", autosummarize=True)]

    def __str__(self) -> str:
        return self.key
