"""Why a month cannot be closed."""

from typing import Any

from apps.core.errors import FlorinError


class MonthNotOver(FlorinError):
    """The month has not ended yet (business time)."""

    type = "invalid_request_error"
    code = "month_not_over"
    status = 409
    message = "{month} is not over: it ends after {last_day}, and today is {today}."


class EarlierMonthOpen(FlorinError):
    """Months are closed in their order."""

    type = "invalid_request_error"
    code = "earlier_month_open"
    status = 409
    message = "{earlier} has entries and is still open. Close it first, or close the months in order (--with-earlier)."


class CloseBlocked(FlorinError):
    """A check of the month end failed; the month stays cut off until it holds."""

    code = "close_blocked"
    status = 409
    message = "{reason}"

    @property
    def evidence(self) -> dict[str, Any]:
        """What was found."""
        found: dict[str, Any] = self.fields.get("found", {})
        return found
