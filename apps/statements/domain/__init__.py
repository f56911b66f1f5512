"""What a statement says and how it adds up. Pure Python."""

from apps.statements.domain.data import (
    ASIDE,
    HELD,
    Account,
    DataSet,
    Day,
    Fee,
    Line,
    Movement,
    Party,
    Previous,
    Row,
    canonical,
    digest,
    restored,
)
from apps.statements.domain.documents import MEDIA_TYPES, Cover, Letter, cover, letter, message_id, retry_pause, series, statement_object
from apps.statements.domain.rules import ROWS, Unbalanced, accounts, bridge, days, fees, held, lines, row_of, verify

__all__ = [
    "ASIDE", "HELD", "MEDIA_TYPES", "ROWS", "Account", "Cover", "DataSet", "Day", "Fee", "Letter", "Line", "Movement", "Party", "Previous",
    "Row", "Unbalanced", "accounts", "bridge", "canonical", "cover", "days", "digest", "fees", "held", "letter", "lines", "message_id",
    "restored", "retry_pause", "row_of", "series", "statement_object", "verify",
]  # fmt: skip
