"""What changes statements: planned, issued, mailed."""

from apps.statements.services.issuing import file, work_off
from apps.statements.services.mailing import claim_mail, mark_failed, mark_sent
from apps.statements.services.planning import plan, retry_parked

__all__ = ["claim_mail", "file", "mark_failed", "mark_sent", "plan", "retry_parked", "work_off"]
