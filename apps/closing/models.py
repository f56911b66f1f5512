"""Month-end runs and their steps."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.core import ids


class Run(models.Model):
    """The close of one month: open → cutoff → running → closed, or blocked by a check that failed.
    `started_at` and `finished_at` go by the database's clock."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    month = models.DateField(unique=True, help_text="First day of the month")
    state = models.CharField(max_length=8, default="open")
    requested_by = models.CharField(max_length=150)
    blocked_by = models.CharField(max_length=1000, blank=True, default="")
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "closing_run"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=["open", "cutoff", "running", "blocked", "closed"]), name="closing_run_state"),
            models.CheckConstraint(condition=Q(month__day=1), name="closing_run_month"),
            models.CheckConstraint(
                condition=Q(state="closed", finished_at__isnull=False) | ~Q(state="closed") & Q(finished_at=None),
                name="closing_run_finished",
            ),
            models.CheckConstraint(
                condition=Q(state="blocked") & ~Q(blocked_by="") | ~Q(state="blocked") & Q(blocked_by=""), name="closing_run_blocked"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class Step(models.Model):
    """One step of a run: done once, with the evidence that it was. Whoever works on it holds its run's
    row lock, so a worker that dies leaves it free at once."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="steps")
    position = models.SmallIntegerField()
    name = models.CharField(max_length=20)
    state = models.CharField(max_length=8, default="pending")
    attempts = models.IntegerField(default=0)
    done = models.IntegerField(default=0, help_text="How much of it is done")
    total = models.IntegerField(default=0, help_text="How much there is to do")
    evidence = models.JSONField(default=dict)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "closing_step"
        ordering: ClassVar = ["run", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "name"], name="closing_step_name"),
            models.UniqueConstraint(fields=["run", "position"], name="closing_step_position"),
            models.CheckConstraint(condition=Q(state__in=["pending", "running", "blocked", "done"]), name="closing_step_state"),
            models.CheckConstraint(
                condition=Q(state="done", finished_at__isnull=False) | ~Q(state="done") & Q(finished_at=None), name="closing_step_finished"
            ),
            models.CheckConstraint(condition=Q(done__gte=0, total__gte=models.F("done"), attempts__gte=0), name="closing_step_progress"),
        ]

    def __str__(self) -> str:
        return self.name
