"""The only place that talks to PostgreSQL outside the ORM. `door` is all that others call; behind it
are `batch` (writes that share a commit) and `pipeline` (statements that share a connection). `engine` is what the ORM
itself connects with, `connections` the sum of them all."""

from apps.core.db.door import (
    WRITERS,
    Command,
    Line,
    Outcome,
    Row,
    acall,
    aquery,
    atuples,
    call,
    close_lines,
    encode,
    encode_command,
    query,
)

__all__ = [
    "WRITERS",
    "Command",
    "Line",
    "Outcome",
    "Row",
    "acall",
    "aquery",
    "atuples",
    "call",
    "close_lines",
    "encode",
    "encode_command",
    "query",
]
