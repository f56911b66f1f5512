"""The same request answered twice, what came of it, and who is told."""

from apps.cutover.flows.comparing import compare_due
from apps.cutover.flows.telling import tell_rollbacks

__all__ = ["compare_due", "tell_rollbacks"]
