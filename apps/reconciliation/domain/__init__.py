"""The rules of reconciliation that need no database."""

from apps.reconciliation.domain.checks import MAX_FILE_BYTES, balances, check_line, check_total, identity
from apps.reconciliation.domain.reading import (
    attempt_of,
    clean_name,
    currency_code,
    iso_date,
    minor_units,
    normal_reference,
    shown,
)
from apps.reconciliation.domain.sentences import explain_break, explain_match
from apps.reconciliation.domain.types import (
    BREAK_TYPES,
    SUBJECTS,
    Balance,
    ImportedFile,
    Item,
    Matched,
    RemoteFile,
    Report,
    SourceLine,
    Statement,
)

__all__ = [
    "BREAK_TYPES", "MAX_FILE_BYTES", "SUBJECTS", "Balance", "ImportedFile", "Item", "Matched", "RemoteFile", "Report",
    "SourceLine", "Statement", "attempt_of", "balances", "check_line", "check_total", "clean_name", "currency_code",
    "explain_break", "explain_match", "identity", "iso_date", "minor_units", "normal_reference", "shown",
]  # fmt: skip
