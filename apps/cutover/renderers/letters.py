"""The letter to staff about an endpoint that was turned classic by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import dedent

_ROLLED_BACK = """\
    {endpoint} was turned classic, automatically, at {at} UTC.

        {reason}

    What was changed
    {changes}

    Payments go on: the classic path answers. Nothing turns the endpoint hot again but a person.

    What to do
    1. Look at what failed or differed: {page}
    2. Mend it.
    3. Turn the endpoint hot again there, a few percent first, or by
       manage.py cutover set {endpoint} hot --percent 1 --reason "…"

    Florin
    """


@dataclass(frozen=True)
class Letter:
    subject: str
    text: str


def rolled_back(*, endpoint: str, at: str, reason: str, changes: Sequence[str], page: str) -> Letter:
    """What staff are told when `endpoint` was turned classic by itself; `at` is UTC, `changes` a line each."""
    listed = "\n".join(f"  - {change}" for change in changes)
    text = dedent(_ROLLED_BACK).format(endpoint=endpoint, at=at, reason=reason, changes=listed, page=page)
    return Letter(f"{endpoint} was turned classic automatically", text)
