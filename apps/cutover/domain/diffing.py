"""Two texts side by side, line by line, with the words that changed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

from apps.cutover.domain.comparing import CUT

# Equal lines that are shown around a change, and the longest line whose words are compared.
AROUND, LONGEST = 3, 2_000
_WORDS = re.compile(r"\w+|\s+|.")
# A string (the last may be cut off), a bracket or comma, or what is between them.
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{},]|[^"\[\]{},]+', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line; `changed` if the other side has something else there."""

    text: str
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    number: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One line on each side; None where a side has none. `kind`: equal, changed, or fold, which stands
    for `hidden` equal lines."""

    kind: str
    left: Side | None = None
    right: Side | None = None
    hidden: int = 0


def by_lines(body: str) -> str:
    """`body` with a line for each member if it looks like JSON, whole or cut off; else as it is. No character
    is lost or respelled, so that bodies of one meaning and two spellings still differ."""
    if body.startswith(CUT):
        before, _, rest = body.partition("\n")
        return f"{before}\n{_laid(rest)}"
    return _laid(body) if body.startswith(("{", "[")) else body


def _laid(body: str) -> str:
    laid, depth = [], 0
    tokens = _TOKENS.findall(body)
    for before, token in zip(["", *tokens], tokens, strict=False):
        opened, closes = before in ("[", "{"), token in ("]", "}")
        depth += (opened and not closes) - (closes and not opened and depth > 0)
        if before == "," or opened != closes:
            laid.append("\n" + "  " * depth)
        laid.append(token)
    return "".join(laid)


def side_by_side(left: str, right: str, *, folded: bool = True) -> list[Row]:
    """The rows of a diff of two texts. Runs of equal lines are `folded` but for three around each change."""
    rows = _rows(left.splitlines(), right.splitlines())
    return list(_folded(rows)) if folded else rows


def _rows(left: Sequence[str], right: Sequence[str]) -> list[Row]:
    rows = []
    for tag, from_left, to_left, from_right, to_right in SequenceMatcher(None, left, right).get_opcodes():
        lefts, rights = range(from_left, to_left), range(from_right, to_right)
        for one, other in zip_longest(lefts, rights):
            if tag == "equal":
                pieces = (Piece(left[one]),)
                rows.append(Row("equal", Side(one + 1, pieces), Side(other + 1, pieces)))
            else:
                rows.append(_changed(left, one, right, other))
    return rows


def _changed(left: Sequence[str], one: int | None, right: Sequence[str], other: int | None) -> Row:
    if one is None or other is None:
        return Row("changed", _whole(left, one), _whole(right, other))
    before, after = _words(left[one], right[other])
    return Row("changed", Side(one + 1, before), Side(other + 1, after))


def _whole(text: Sequence[str], at: int | None) -> Side | None:
    return None if at is None else Side(at + 1, (Piece(text[at]),))


def _words(left: str, right: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    if max(len(left), len(right)) > LONGEST:
        return (Piece(left, True),), (Piece(right, True),)
    ours, theirs = _WORDS.findall(left), _WORDS.findall(right)
    before, after = [], []
    for tag, from_left, to_left, from_right, to_right in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        changed = tag != "equal"
        if to_left > from_left:
            before.append(Piece("".join(ours[from_left:to_left]), changed))
        if to_right > from_right:
            after.append(Piece("".join(theirs[from_right:to_right]), changed))
    return tuple(before), tuple(after)


def _folded(rows: Sequence[Row]) -> Iterator[Row]:
    """`rows` without equal ones that are far from any change."""
    changes = [number for number, row in enumerate(rows) if row.kind == "changed"]
    near = {at for change in changes for at in range(change - AROUND, change + AROUND + 1)}
    hidden = 0
    for number, row in enumerate(rows):
        if number not in near:
            hidden += 1
            continue
        if hidden:
            yield Row("fold", hidden=hidden)
            hidden = 0
        yield row
    if hidden:
        yield Row("fold", hidden=hidden)
