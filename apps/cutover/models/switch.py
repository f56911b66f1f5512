"""Switches, the history of their changes, and the outcomes that may throw one automatically."""

from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.core import ids
from apps.cutover.domain import EVERY

# How a change is told: each value's name, and what a new switch starts from.
_TOLD: dict[str, tuple[str, float | None]] = {
    "hot_percent": ("", None),
    "max_error_percent": ("failures at most %", 5),
    "min_requests": ("requests at least", 100),
    "window_s": ("window s", 60),
    "max_difference_percent": ("differences at most %", 1),
    "min_compared": ("comparisons at least", 100),
}
_REAL_PERCENT = Q(hot_percent=None) | Q(hot_percent__gte=0, hot_percent__lte=100)


def _named(endpoint: str, merchant_id: UUID | None) -> str:
    name = "every endpoint" if endpoint == EVERY else endpoint
    return name if merchant_id is None else f"{name} for {ids.encode('acct', merchant_id)}"


def _shown(name: str, value: Any) -> str:
    if name == "hot_percent":
        return {None: "no say", 0: "classic", 100: "hot"}.get(value, f"{value} % hot")
    return "–" if value is None else f"{value:g}"


class Switch(models.Model):
    """Which share of the requests to an endpoint goes hot, for one merchant or for all. Whoever changes
    it sets `changed_by`, `reason` and `changed_at` (the database puts its own clock there); a trigger
    writes the history and refuses a change that does not say them. Rows are never deleted: without
    `hot_percent` the less specific switch decides.

    The thresholds count only where `merchant_id` is None: more than `max_error_percent` failures among
    at least `min_requests` hot requests in `window_s` seconds, or more than `max_difference_percent`
    differences among at least `min_compared` shadow answers, turn the endpoint classic. A threshold of
    None is never reached."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    endpoint = models.CharField(max_length=60, help_text="An endpoint's name, or * for all")
    merchant_id = models.UUIDField(null=True, blank=True, help_text="None: every merchant")
    hot_percent = models.SmallIntegerField(null=True, blank=True)
    max_error_percent = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True, default=Decimal(5))
    min_requests = models.IntegerField(default=100)
    window_s = models.IntegerField(default=60)
    max_difference_percent = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True, default=Decimal(1))
    min_compared = models.IntegerField(default=100)
    changed_at = models.DateTimeField(db_default=Now())
    changed_by = models.CharField(max_length=150)
    reason = models.CharField(max_length=500)

    class Meta:
        db_table = "cutover_switch"
        verbose_name_plural = "switches"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["endpoint", "merchant_id"], nulls_distinct=False, name="cutover_switch_once"),
            models.CheckConstraint(condition=_REAL_PERCENT, name="cutover_switch_percent"),
            models.CheckConstraint(condition=~Q(changed_by="") & ~Q(reason=""), name="cutover_switch_said_why"),
            models.CheckConstraint(condition=Q(min_requests__gte=1, min_compared__gte=1), name="cutover_switch_minimum"),
            models.CheckConstraint(condition=Q(window_s__gte=5, window_s__lte=3600), name="cutover_switch_window"),
        ]

    def __str__(self) -> str:
        return _named(self.endpoint, self.merchant_id)

    @property
    def goes(self) -> str:
        """Where it sends requests, in a word or three."""
        return _shown("hot_percent", self.hot_percent)


class Change(models.Model):
    """One change of a switch, written by the database itself and never changed. `before` is None for a
    new switch; both hold `hot_percent` and the thresholds."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=500)
    endpoint = models.CharField(max_length=60)
    merchant_id = models.UUIDField(null=True)
    before = models.JSONField(null=True)
    after = models.JSONField()

    class Meta:
        db_table = "cutover_change"
        indexes: ClassVar = [
            models.Index(fields=["endpoint", "-id"], name="cutover_change_endpoint"),
            models.Index(fields=["at"], condition=Q(actor="automatic"), name="cutover_change_automatic"),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint}, {self.at:%Y-%m-%d %H:%M:%S}"

    @property
    def what(self) -> str:
        """What was changed, in a line."""
        before = self.before or {name: usual for name, (_, usual) in _TOLD.items()}
        news = [name for name in _TOLD if before[name] != self.after[name]]
        parts = [f"{_TOLD[name][0]} {_shown(name, before[name])} → {_shown(name, self.after[name])}".lstrip() for name in news]
        return f"{_named(self.endpoint, self.merchant_id)}: {', '.join(parts)}"


class Notice(models.Model):
    """Staff are being told, or were, of a change that was made automatically. One that was claimed and not told for
    two minutes is anybody's again: whoever claimed it has died, or the mail server was away."""

    change_id = models.BigIntegerField(primary_key=True, help_text="The change's id")
    claimed_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "cutover_notice"

    def __str__(self) -> str:
        return f"change {self.change_id}, {'told' if self.told_at else 'not told'}"


class Outcome(models.Model):
    """How many requests an endpoint answered on one path in the five seconds from `at` on, and how many
    of them failed. Kept for an hour, and lost without harm when PostgreSQL crashes."""

    pk = models.CompositePrimaryKey("at", "endpoint", "path")
    at = models.DateTimeField()
    endpoint = models.CharField(max_length=60)
    path = models.CharField(max_length=7)
    requests = models.BigIntegerField()
    failures = models.BigIntegerField()

    class Meta:
        db_table = "cutover_outcome"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(path__in=["hot", "classic"]), name="cutover_outcome_path"),
            models.CheckConstraint(condition=Q(failures__gte=0, requests__gte=models.F("failures")), name="cutover_outcome_counts"),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.path}: {self.failures} of {self.requests} failed"
