"""The statements that a running system would feel, or that the release before would not survive."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_ALLOWED = re.compile(r"(?:#|--) lint: allow expand-only because \S+")
_HIDDEN = re.compile(r"\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_STARTS = re.compile(r"CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?([\w.]+)")
# What a statement is at work on, where it is a table.
_TABLE = re.compile(
    r"^ALTER TABLE (?:IF EXISTS )?(?:ONLY )?([\w.]+)|^CREATE (?:UNIQUE )?INDEX .*? ON (?:ONLY )?([\w.]+)"
    r"|^(?:CREATE|DROP) (?:OR REPLACE |CONSTRAINT )*TRIGGER .*? ON ([\w.]+)|^UPDATE (?:ONLY )?([\w.]+)|^DELETE FROM (?:ONLY )?([\w.]+)"
)
_ADDS_COLUMN = re.compile(r"^ADD (?:COLUMN )?(?!CONSTRAINT|CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE)")
_STABLE = {"now", "statement_timestamp", "transaction_timestamp"}

# Of a whole statement.
_STATEMENTS = {
    r"^(?:DROP (?:TABLE|VIEW|MATERIALIZED|FUNCTION|TYPE|SCHEMA|SEQUENCE|DOMAIN)|TRUNCATE)\b": "the release before still uses it",
    r"^(?:CREATE (?:UNIQUE )?INDEX|DROP INDEX|REINDEX)\b(?!.*\bCONCURRENTLY\b)": "locks writers out while it runs: CONCURRENTLY",
    r"^(?:UPDATE|DELETE)\b": "holds its rows until all are done: go through them in batches, by a command",
    r"^(?:CLUSTER|VACUUM FULL|LOCK)\b": "locks everybody out",
}
# Of each part of an ALTER TABLE.
_PARTS = {
    r"^RENAME\b": "the release before knows the old name: add the new one beside it",
    r"^DROP (?!CONSTRAINT\b)": "the release before still reads and writes it",
    r"^ALTER .* TYPE\b": "rewrites the table: add a column beside it",
    r"^ALTER .* SET NOT NULL": "reads the whole table under a lock: a NOT VALID constraint first, validated later",
    r"^ALTER .* DROP DEFAULT": "the release before does not write this column: let the database have a default (db_default)",
    r"^SET (?:LOGGED|UNLOGGED|TABLESPACE)\b": "rewrites the table under a lock",
    r"^ADD (?:CONSTRAINT|CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE)\b(?!.*(?:\bNOT VALID\b|\bUSING INDEX\b))": (
        "reads the whole table under a lock: NOT VALID and validated later, or USING INDEX"
    ),
}


@dataclass(frozen=True)
class _Statement:
    """One of a migration: `plain` without comments, texts and the bodies of functions, on one line."""

    plain: str
    is_allowed: bool

    @property
    def table(self) -> str | None:
        found = _TABLE.search(self.plain)
        return next(filter(None, found.groups())) if found else None


@dataclass
class _Before:
    """What the statements of a migration so far have done."""

    made: set[str] = field(default_factory=set)
    is_bounded: bool = False
    has_constraint: bool = False


def refused(sent: Sequence[str]) -> Iterator[str]:
    """What is wrong with the statements that a migration sends, in order: each with its reason. Tables that the migration
    itself has made are free."""
    before = _Before()
    for statement in (found for text in sent for found in _statements(text)):
        if not statement.is_allowed and statement.table not in before.made:
            yield from (f"{statement.plain[:120]}: {reason}" for reason in _reasons(statement, before))
        before.made |= set(_STARTS.findall(statement.plain))
        before.is_bounded |= bool(re.match(r"SET (?:LOCAL )?lock_timeout\b", statement.plain))
        before.has_constraint |= "ADD CONSTRAINT" in statement.plain


def allows(source: str) -> bool:
    """Whether a migration's file lets all of it through."""
    return _ALLOWED.search(source) is not None


def _statements(text: str) -> Iterator[_Statement]:
    bare = _HIDDEN.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)
    start = 0
    for end in [found.start() for found in re.finditer(";", bare)] + [len(bare)]:
        plain = " ".join(bare[start:end].replace('"', "").split())
        if plain:
            begins = start + len(bare[start:end]) - len(bare[start:end].lstrip())
            yield _Statement(plain, allows(text[begins:end] + text[end:].partition("\n")[0]))
        start = end + 1


def _reasons(statement: _Statement, before: _Before) -> Iterator[str]:
    plain = statement.plain
    yield from (reason for pattern, reason in _STATEMENTS.items() if re.search(pattern, plain))
    parts = _parts(plain) if plain.startswith("ALTER TABLE") else []
    for part in parts:
        yield from (reason for pattern, reason in _PARTS.items() if re.search(pattern, part))
        yield from _column(part)
    if before.has_constraint and any(part.startswith("VALIDATE") for part in parts):
        yield "reads the table while the lock of ADD CONSTRAINT is held: validate in a migration of its own"
    is_light = parts and all(part.startswith(("VALIDATE", "SET (")) for part in parts)
    if not before.is_bounded and not is_light and re.match(r"ALTER TABLE|(?:CREATE|DROP) (?:OR REPLACE |CONSTRAINT )*TRIGGER", plain):
        yield "waits for its lock with everybody behind it: SET LOCAL lock_timeout first"


def _column(part: str) -> Iterator[str]:
    if not _ADDS_COLUMN.match(part):
        return
    default = re.search(r"\bDEFAULT (\w+)(\(?)", part)
    if "NOT NULL" in part and (default is None or default.group(1) == "NULL"):
        yield "the release before does not write this column: NULL, or a default of the database"
    if default and default.group(2) and default.group(1).lower() not in _STABLE:
        yield "rewrites the table: add the column without this default, and set it afterwards"


def _parts(statement: str) -> list[str]:
    """The parts of an ALTER TABLE, which commas outside of parentheses separate."""
    rest = re.sub(r"^ALTER TABLE (?:IF EXISTS )?(?:ONLY )?[\w.]+ ", "", statement)
    found, depth = [""], 0
    for letter in rest:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    return [part.strip() for part in found]
