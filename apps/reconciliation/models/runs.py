"""Who did which job when, and how far the search for what is overdue has come."""

from django.db import models
from django.db.models.functions import Now


class Job(models.Model):
    """A periodic job is done by whoever inserts its row first: two beats do it once."""

    pk = models.CompositePrimaryKey("job", "period")
    job = models.CharField(max_length=40)
    period = models.DateTimeField()
    claimed_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "recon_job"

    def __str__(self) -> str:
        return f"{self.job} {self.period}"


class Sweep(models.Model):
    """Every attempt up to `swept_to` (in order of id) was looked at when it was due to be settled."""

    name = models.CharField(max_length=40, primary_key=True)
    swept_to = models.UUIDField()

    class Meta:
        db_table = "recon_sweep"

    def __str__(self) -> str:
        return self.name


class Watched(models.Model):
    """An attempt that had no outcome yet when the sweep came past: looked at again until it has one."""

    attempt_id = models.UUIDField(primary_key=True)

    class Meta:
        db_table = "recon_watched"

    def __str__(self) -> str:
        return str(self.attempt_id)
