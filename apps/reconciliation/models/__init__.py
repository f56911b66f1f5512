"""Tables of reconciliation. Lines, groups and legs are written by the functions in `sql/`; a match never edits a line."""

from apps.reconciliation.models.breaks import Break
from apps.reconciliation.models.files import FileContent, Source, SourceFile, StatementRecord
from apps.reconciliation.models.lines import LineIdentity, LineRecord, OpenLine, Payout
from apps.reconciliation.models.matches import MatchGroup, MatchLeg
from apps.reconciliation.models.runs import Job, Sweep, Watched

__all__ = [
    "Break",
    "FileContent",
    "Job",
    "LineIdentity",
    "LineRecord",
    "MatchGroup",
    "MatchLeg",
    "OpenLine",
    "Payout",
    "Source",
    "SourceFile",
    "StatementRecord",
    "Sweep",
    "Watched",
]
