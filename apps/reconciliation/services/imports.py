"""Takes a file in: whole or not at all, and once."""

from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction

from apps.core import clock
from apps.core.ids import new_id
from apps.reconciliation import selectors
from apps.reconciliation.domain import (
    MAX_FILE_BYTES,
    ImportedFile,
    Item,
    Report,
    SourceLine,
    Statement,
    balances,
    clean_name,
)
from apps.reconciliation.errors import FileRefused, FileTooLarge, StatementRepeated, UnknownAccount, UnreadableFile
from apps.reconciliation.models import FileContent, SourceFile, StatementRecord
from apps.reconciliation.services.asking import ask
from apps.reconciliation.services.formats import FORMATS, kind_of
from apps.reconciliation.services.lines import LineWriter


class Head(NamedTuple):
    """The file's date (the end of its first statement, or the day of its first line), who sent it, and all its items."""

    on: date
    source: str
    items: Iterator[Item]


def import_file(*, data: bytes, name: str, kind: str | None = None, received_by: str) -> ImportedFile:
    """Afterwards the file is imported with every line it has, or in quarantine with the reason and none. The same
    bytes are imported once; a file in quarantine is tried again. `kind` is settlement or bank, by content if None.

    Locks: one import at a time, platform-wide. Raises: FileTooLarge; nothing is kept then.
    """
    if len(data) > MAX_FILE_BYTES:
        raise FileTooLarge(size=len(data), limit=MAX_FILE_BYTES)
    file = SourceFile(id=new_id(), sha256=sha256(data).digest(), name=clean_name(name), size=len(data), received_by=received_by)
    file.kind = kind or kind_of(data)
    file.format = FORMATS[file.kind].name
    try:
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            return _import(cursor, file, data)
    except FileRefused as refusal:
        return _quarantine(file, data, refusal)


def _import(cursor: Any, file: SourceFile, data: bytes) -> ImportedFile:
    _take_turn(cursor)
    known = SourceFile.objects.filter(sha256=file.sha256).first()
    if known is not None and known.status == "imported":
        return ImportedFile(known.id, known.name, "repeated", known.lines, known.duplicates)
    if known is not None:
        known.kind, known.format = file.kind, file.format
    file = known or file
    head = _head(FORMATS[file.kind].parse(data))
    _save_imported(file, head, data, is_new=known is None)
    accounts = _write_items(cursor, file, head)
    counts = ask("recon_admit", file.id, head.on)
    for account, currency in sorted(accounts):
        ask("recon_check_chain", account, currency)
    SourceFile.objects.filter(id=file.id).update(**counts)
    return ImportedFile(file.id, file.name, "imported", counts["lines"], counts["duplicates"])


def _take_turn(cursor: Any) -> None:
    """Waits for the import that is going on. Large files take longer than a request may: this transaction may wait
    and work for minutes, which holds up nobody but other imports. 1380270926 is 'RECN'."""
    cursor.execute("SELECT set_config('lock_timeout', '120s', true), set_config('statement_timeout', '300s', true)")
    cursor.execute("SELECT pg_advisory_xact_lock(1380270926, 0)")


def _head(items: Iterator[Item]) -> Head:
    first = next(items)
    if isinstance(first, Statement):
        return Head(first.ends_on, _source_of(first), chain([first], items))
    line = next(items)
    if not isinstance(first, Report) or not isinstance(line, SourceLine):
        raise UnreadableFile("The file has no head.")
    return Head(line.booked_on, selectors.settlement_source(first.source), chain([line], items))


def _source_of(statement: Statement) -> str:
    source = selectors.bank_source(statement.account)
    if source is None:
        raise UnknownAccount(f"account {statement.account} is not registered as ours.", line=statement.line)
    return source


def _save_imported(file: SourceFile, head: Head, data: bytes, *, is_new: bool) -> None:
    file.file_date, file.source_id = head.on, head.source
    file.status, file.imported_at = "imported", clock.now()
    file.error, file.error_code, file.error_line = "", "", None
    file.save(force_insert=is_new)
    if is_new:
        FileContent.objects.create(file=file, body=data)


def _write_items(cursor: Any, file: SourceFile, head: Head) -> set[tuple[str, str]]:
    """Every line is copied; returns the (account, currency) of the statements."""
    writer = LineWriter(cursor, file_id=file.id, file_date=head.on, source=head.source, hop=file.kind, today=clock.today())
    accounts: set[tuple[str, str]] = set()
    for item in head.items:
        if isinstance(item, SourceLine):
            writer.add(item)
        elif isinstance(item, Statement):
            writer.open_statement(item, _save_statement(file, item))
            accounts.add((item.account, item.currency))
    writer.finish()
    return accounts


def _save_statement(file: SourceFile, statement: Statement) -> UUID:
    opening, closing = (balance.amount for balance in balances(statement))
    if _source_of(statement) != file.source_id:
        raise UnknownAccount("the file mixes statements of two senders.", line=statement.line)
    of_account = {"account": statement.account, "currency": statement.currency}
    named = {**of_account, "statement_id": statement.statement_id, "page": statement.page}
    if other := StatementRecord.objects.filter(**named).select_related("file").first():
        raise StatementRepeated(
            f"statement {statement.statement_id!r} of {statement.account} was imported before from {other.file.name}, with other content.",
            line=statement.line,
        )
    record = StatementRecord.objects.create(
        file=file, position=statement.position, sequence=statement.sequence, opening=opening, closing=closing,
        total=closing - opening, starts_on=statement.starts_on, ends_on=statement.ends_on, **named,
    )  # fmt: skip
    return record.id


def _quarantine(file: SourceFile, data: bytes, refusal: FileRefused) -> ImportedFile:
    """The file is kept with the reason. One that was imported meanwhile stays imported."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        _take_turn(cursor)
        known = SourceFile.objects.filter(sha256=file.sha256).first()
        if known is not None and known.status == "imported":
            return ImportedFile(known.id, known.name, "repeated", known.lines, known.duplicates)
        kept = known or file
        kept.file_date = kept.source = kept.imported_at = None
        kept.status, kept.error, kept.error_code, kept.error_line = "quarantined", refusal.text, refusal.code or "", refusal.line or None
        kept.save(force_insert=known is None)
        if known is None:
            FileContent.objects.create(file=kept, body=data)
    return ImportedFile(kept.id, kept.name, "quarantined", error=refusal.text)
