"""Why a file is refused. A refused file is kept in quarantine and none of its lines count.

FlorinError
├── FileRefused               422
│   ├── UnreadableFile        422  not a file of this kind, or damaged
│   ├── BadLine               422  one line cannot be what it says
│   ├── TotalsDiffer          422  the lines do not add up to the file's own totals
│   ├── StatementRepeated     422  the bank's statement id was imported with other content
│   └── UnknownAccount        422  a statement of an account that is not ours
├── FileTooLarge              413
└── SourceUnavailable         502  the place that files come from does not answer as it should
"""

from apps.core.errors import FlorinError


class FileRefused(FlorinError):
    """Nothing of the file was imported. `line` counts from 1; 0 where the whole file is meant."""

    type = "invalid_request_error"
    code = "file_refused"
    status = 422
    message = "{reason}"

    def __init__(self, reason: str, *, line: int = 0) -> None:
        self.line = line
        super().__init__(reason=f"Line {line}: {reason}" if line else reason)


class UnreadableFile(FileRefused):
    """The bytes are not a file of the kind they came as."""

    code = "file_unreadable"


class BadLine(FileRefused):
    """One line holds something that it may not hold."""

    code = "file_line_invalid"


class TotalsDiffer(FileRefused):
    """The lines do not add up to what the file itself says."""

    code = "file_totals_differ"


class StatementRepeated(FileRefused):
    """The bank's statement id was imported before, with other content."""

    code = "statement_repeated"


class UnknownAccount(FileRefused):
    """The statement is of an account that is not registered as ours."""

    code = "statement_account_unknown"


class FileTooLarge(FlorinError):
    """The file has more bytes than a bank or settlement file may have."""

    type = "invalid_request_error"
    code = "file_too_large"
    status = 413
    message = "The file has {size} bytes; at most {limit} are read."


class SourceUnavailable(FlorinError):
    """The place that files come from did not answer, or answered with something else."""

    type = "api_error"
    code = "file_source_unavailable"
    status = 502
    message = "Files could not be fetched from {source}: {reason}"
