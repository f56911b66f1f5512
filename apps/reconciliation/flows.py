"""Fetching files from those who send them."""

from collections.abc import Callable, Iterator

from django.conf import settings

from apps.core import clock
from apps.core.flow import Flow, Http, run
from apps.core.http import HttpFailed
from apps.reconciliation import selectors, services
from apps.reconciliation.domain import ImportedFile, RemoteFile
from apps.reconciliation.errors import SourceUnavailable
from apps.reconciliation.gateways import file_server

KINDS = ("settlement", "bank")


def listing(kind: str) -> Flow[list[RemoteFile]]:
    """What the sandbox acquirer or its bank offers now. Raises SourceUnavailable."""
    try:
        reply = yield Http(file_server.list_request(settings.SANDBOX_URL, kind))
    except HttpFailed as failure:
        raise SourceUnavailable(source=kind, reason=failure.kind) from None
    return file_server.read_list(reply, kind)


def download(file: RemoteFile) -> Flow[bytes]:
    """The bytes of `file`. Raises SourceUnavailable."""
    try:
        reply = yield Http(file_server.file_request(settings.SANDBOX_URL, file))
    except HttpFailed as failure:
        raise SourceUnavailable(source=file.kind, reason=failure.kind) from None
    return file_server.read_file(reply, file)


def new_files() -> list[RemoteFile]:
    """What is offered and has not come yet. A file dated after today waits for its day."""
    offered = [file for kind in KINDS for file in run(listing(kind)) if file.date <= clock.today()]
    known = selectors.known_files([bytes.fromhex(file.sha256) for file in offered])
    return [file for file in offered if bytes.fromhex(file.sha256) not in known]


def collect(*, received_by: str, progress: Callable[[ImportedFile], None] = lambda file: None) -> list[ImportedFile]:
    """Every new file is imported or in quarantine; `progress` is told of each. Raises SourceUnavailable."""
    return list(_collect(received_by, progress))


def _collect(received_by: str, progress: Callable[[ImportedFile], None]) -> Iterator[ImportedFile]:
    for file in new_files():
        done = services.import_file(data=run(download(file)), name=file.name, kind=file.kind, received_by=received_by)
        progress(done)
        yield done
