"""What throws switches, and what is done with samples and the differences they show."""

from apps.cutover.services.noticing import addresses, claim_untold, finish_telling
from apps.cutover.services.shadow import (
    TRIES,
    claim_samples,
    explain_difference,
    finish_sample,
    forget_old,
    set_shadow_rate,
)
from apps.cutover.services.switching import AUTOMATIC, Overtaken, limit, refuse_unknown, roll_back, roll_back_where_due, throw

__all__ = [
    "AUTOMATIC",
    "TRIES",
    "Overtaken",
    "addresses",
    "claim_samples",
    "claim_untold",
    "explain_difference",
    "finish_sample",
    "finish_telling",
    "forget_old",
    "limit",
    "refuse_unknown",
    "roll_back",
    "roll_back_where_due",
    "set_shadow_rate",
    "throw",
]
