"""What does not match."""

from django.db import models
from django.db.models import Q

from apps.core import ids
from apps.reconciliation.domain import BREAK_TYPES, SUBJECTS


class Break(models.Model):
    """One thing that is not explained: a line, a movement of ours, a payout or a bank statement. At most one open
    break a thing; it resolves itself when what was missing comes. `since` is the business date of the thing, `facts`
    what its reason sentence is made of."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    type = models.CharField(max_length=30, choices=list(BREAK_TYPES.items()))
    subject = models.CharField(max_length=10, choices=[(subject, subject) for subject in SUBJECTS])
    subject_id = models.UUIDField()
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    since = models.DateField()
    facts = models.JSONField()
    state = models.CharField(max_length=10, choices=[(state, state) for state in ("open", "resolved")])
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    group_id = models.UUIDField(null=True)

    class Meta:
        db_table = "recon_break"
        indexes = [models.Index(fields=["state", "type", "id"], name="recon_break_by_type")]
        constraints = [
            models.UniqueConstraint(fields=["subject", "subject_id"], name="recon_break_one_open", condition=Q(state="open")),
            models.CheckConstraint(condition=Q(type__in=list(BREAK_TYPES)), name="recon_break_type"),
            models.CheckConstraint(condition=Q(subject__in=list(SUBJECTS)), name="recon_break_subject"),
            models.CheckConstraint(
                condition=Q(state="open", resolved_at=None) | Q(state="resolved", resolved_at__isnull=False), name="recon_break_state"
            ),
        ]

    def __str__(self) -> str:
        return self.get_type_display()
