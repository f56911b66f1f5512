"""Questions about switches, about how their endpoints do, and about shadow answers."""

from apps.cutover.selectors.shadow import Summary, ago, differences, shadow_summary, total
from apps.cutover.selectors.switching import (
    changes,
    complaint,
    merchant_names,
    outcomes,
    rules,
    switch,
    switches,
    thresholds,
)

__all__ = [
    "Summary",
    "ago",
    "changes",
    "complaint",
    "differences",
    "merchant_names",
    "outcomes",
    "rules",
    "shadow_summary",
    "switch",
    "switches",
    "thresholds",
    "total",
]
