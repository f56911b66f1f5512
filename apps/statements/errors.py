"""How making or reading a statement can fail."""

from apps.core.errors import FlorinError


class MonthStillOpen(FlorinError):
    """A statement is made from a closed month only."""

    type = "invalid_request_error"
    code = "month_still_open"
    status = 409
    message = "{month} is not closed: its figures may still change."


class StatementDoesNotAddUp(FlorinError):
    """The figures for a statement disagree; it is not issued."""

    code = "statement_does_not_add_up"
    status = 500
    message = "The statement for {month} was not issued: {reason}"


class LeaseLost(FlorinError):
    """Another worker has taken this statement over."""

    code = "lease_lost"
    status = 409
    message = "Another worker makes this statement now."


class FileLost(FlorinError):
    """The stored file is gone or not what it was when the statement was issued."""

    code = "statement_file_lost"
    status = 503
    message = "The file of statement {number} cannot be read at the moment."
