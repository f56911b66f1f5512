"""Questions about switches, about how their endpoints do, and about shadow answers."""

from apps.cutover.selectors.shadow import Summary, ago, differences, shadow_summary, total
from apps.cutover.selectors.standings import screen, turned_by_itself
from apps.cutover.selectors.switching import KEPT_S, changes, complaint, outcomes, rules, switch, switches, thresholds

__all__ = [
    "KEPT_S",
    "Summary",
    "ago",
    "changes",
    "complaint",
    "differences",
    "outcomes",
    "rules",
    "screen",
    "shadow_summary",
    "switch",
    "switches",
    "thresholds",
    "total",
    "turned_by_itself",
]
