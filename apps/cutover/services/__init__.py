"""What throws switches."""

from apps.cutover.services.switching import AUTOMATIC, limit, refuse_unknown, roll_back, roll_back_where_due, throw

__all__ = ["AUTOMATIC", "limit", "refuse_unknown", "roll_back", "roll_back_where_due", "throw"]
