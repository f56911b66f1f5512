"""Questions about switches, about how their endpoints do, and about shadow answers."""

from apps.cutover.selectors.shadow import Summary, ago, differences, shadow_summary, total
from apps.cutover.selectors.standings import screen, turned_by_itself
from apps.cutover.selectors.switching import (
    KEPT_S,
    changes,
    changes_since,
    complaint,
    latest_change,
    out_of_reach,
    outcomes,
    rules,
    said_of,
    switch,
    switches,
    thresholds,
)

__all__ = [
    "KEPT_S",
    "Summary",
    "ago",
    "changes",
    "changes_since",
    "complaint",
    "differences",
    "latest_change",
    "out_of_reach",
    "outcomes",
    "rules",
    "said_of",
    "screen",
    "shadow_summary",
    "switch",
    "switches",
    "thresholds",
    "total",
    "turned_by_itself",
]
