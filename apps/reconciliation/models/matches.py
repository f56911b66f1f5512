"""What belongs together, and why."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.reconciliation.models.lines import HOPS, LineRecord, Payout


class MatchGroup(models.Model):
    """Lines of the outside (side A) explained by what we know (side B): Σ A = Σ B + adjustment, and what the group
    books is in the ledger under `entry_ids`. `generation` counts the groups its line was in before."""

    id = models.UUIDField(primary_key=True, editable=False)
    hop = models.CharField(max_length=10, choices=[(hop, hop) for hop in HOPS])
    stage = models.CharField(max_length=30)
    rule_version = models.SmallIntegerField()
    status = models.CharField(max_length=10, choices=[(status, status) for status in ("active", "reversed")])
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    adjustment = models.BigIntegerField(default=0, db_default=0)
    explanation = models.JSONField()
    entry_ids = ArrayField(models.UUIDField())
    generation = models.IntegerField(default=0, db_default=0)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    reversed_at = models.DateTimeField(null=True)
    reversed_by = models.CharField(max_length=150, blank=True, default="", db_default="")
    reversal_reason = models.TextField(blank=True, default="", db_default="")

    class Meta:
        db_table = "recon_match_group"
        verbose_name = "match"
        verbose_name_plural = "matches"
        constraints = [
            models.CheckConstraint(
                condition=Q(status="active", reversed_at=None) | Q(status="reversed", reversed_at__isnull=False),
                name="recon_match_group_status",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class MatchLeg(models.Model):
    """One thing in a group: a line (side A), or one of our movements or payouts (side B). Each is in at most one
    active group per hop. `movement_id` is the attempt that moved the money. What a leg refers to is checked by a
    trigger, one look for all legs that arrive together (sql/0002_rules.sql)."""

    pk = models.CompositePrimaryKey("group_id", "leg_no")
    group = models.ForeignKey(MatchGroup, on_delete=models.PROTECT, related_name="legs", db_constraint=False, db_index=False)
    leg_no = models.SmallIntegerField()
    hop = models.CharField(max_length=10)
    side = models.CharField(max_length=1)
    line = models.ForeignKey(LineRecord, on_delete=models.DO_NOTHING, null=True, related_name="legs", db_constraint=False, db_index=False)
    file_date = models.DateField(null=True)
    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, null=True, related_name="legs", db_constraint=False, db_index=False)
    movement_id = models.UUIDField(null=True)
    amount = models.BigIntegerField()
    active = models.BooleanField(default=True)

    class Meta:
        db_table = "recon_match_leg"
        indexes = [models.Index(fields=["line"], name="recon_match_leg_of_line", condition=Q(line__isnull=False))]
        constraints = [
            models.UniqueConstraint(fields=["line", "hop"], name="recon_match_leg_one_line", condition=Q(active=True, line__isnull=False)),
            models.UniqueConstraint(
                fields=["payout", "hop"], name="recon_match_leg_one_payout", condition=Q(active=True, payout__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["movement_id", "hop"], name="recon_match_leg_one_movement", condition=Q(active=True, movement_id__isnull=False)
            ),
            models.CheckConstraint(
                condition=Q(side="A", line__isnull=False, file_date__isnull=False, payout=None, movement_id=None)
                | Q(side="B", line=None, file_date=None, payout__isnull=False, movement_id=None)
                | Q(side="B", line=None, file_date=None, payout=None, movement_id__isnull=False),
                name="recon_match_leg_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.group_id} {self.side}{self.leg_no}"
