"""Questions about switches and about how their endpoints do."""

from apps.cutover.selectors.switching import (
    changes,
    complaint,
    differences,
    merchant_names,
    outcomes,
    rules,
    switch,
    switches,
    thresholds,
)

__all__ = ["changes", "complaint", "differences", "merchant_names", "outcomes", "rules", "switch", "switches", "thresholds"]
