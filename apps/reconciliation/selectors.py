"""Questions about files, lines and matches."""

import re
from collections.abc import Collection
from uuid import UUID

from django.db.models import Count, OuterRef, QuerySet, Subquery

from apps.core import db
from apps.reconciliation.domain import BREAK_TYPES
from apps.reconciliation.errors import UnreadableFile
from apps.reconciliation.models import Break, FileContent, LineRecord, MatchLeg, Source, SourceFile


def known_files(hashes: Collection[bytes]) -> set[bytes]:
    """Of the SHA-256 `hashes`, those of files that have come already, imported or not."""
    found = SourceFile.objects.filter(sha256__in=list(hashes)).values_list("sha256", flat=True)
    return {bytes(sha) for sha in found}


def settlement_source(code: str) -> str:
    """The code of a registered settlement source. Raises UnreadableFile where it is not registered."""
    if not Source.objects.filter(code=code, kind="settlement").exists():
        raise UnreadableFile(f"Settlement files of {code} are not expected here.")
    return code


def bank_source(account: str) -> str | None:
    """The source whose pattern of our accounts fits `account`; None where none or more than one does."""
    rows = db.query("SELECT code FROM recon_source WHERE kind = 'bank' AND %s LIKE accounts", [account])
    return rows[0]["code"] if len(rows) == 1 else None


def open_breaks_by_type() -> list[tuple[str, int]]:
    """(what is wrong, how many) for each type that has open breaks, most first."""
    counted = Break.objects.filter(state="open").values_list("type").annotate(number=Count("id")).order_by("-number", "type")
    return [(BREAK_TYPES[type_], number) for type_, number in counted]


def content(file_id: UUID) -> bytes | None:
    """The bytes of a file as they came."""
    found = FileContent.objects.filter(file_id=file_id).values_list("body", flat=True).first()
    return None if found is None else bytes(found)


def raw_line(file_id: UUID, number: int, limit: int = 2000) -> str:
    """Line `number` (from 1) of a file as it came, cut after `limit` characters."""
    lines = re.split(rb"\r\n|\r|\n", content(file_id) or b"", maxsplit=number)
    return lines[number - 1].decode("utf-8", "backslashreplace")[:limit] if len(lines) >= number else ""


def with_standing(lines: QuerySet[LineRecord]) -> QuerySet[LineRecord]:
    """`lines` with `in_group` (the active match) and `in_break` (the open break), null where there is none."""
    legs = MatchLeg.objects.filter(line_id=OuterRef("id"), active=True).values("group_id")[:1]
    breaks = Break.objects.filter(subject="line", subject_id=OuterRef("id"), state="open").values("id")[:1]
    return lines.annotate(in_group=Subquery(legs), in_break=Subquery(breaks))
