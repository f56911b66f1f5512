"""Everything that changes rows of reconciliation."""

from apps.reconciliation.services.imports import import_file
from apps.reconciliation.services.matching import CHUNK, claim_job, match_open_lines

__all__ = ["CHUNK", "claim_job", "import_file", "match_open_lines"]
