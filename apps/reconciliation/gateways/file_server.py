"""A sender's file server: `{base}/files/{kind}` lists what there is, `{base}/files/{kind}/{name}` has the bytes."""

from hashlib import sha256
from urllib.parse import quote

import msgspec

from apps.core.http import HttpReply, HttpRequest
from apps.reconciliation.domain import MAX_FILE_BYTES, RemoteFile
from apps.reconciliation.errors import SourceUnavailable

_DEADLINE_S = 30.0
_LONGEST_LIST = 16 * 1024 * 1024


class Listing(msgspec.Struct, frozen=True):
    files: list[RemoteFile]


def list_request(base_url: str, kind: str) -> HttpRequest:
    return HttpRequest("GET", f"{base_url}/files/{kind}", deadline_s=_DEADLINE_S, max_bytes=_LONGEST_LIST)


def read_list(reply: HttpReply, kind: str) -> list[RemoteFile]:
    """What the server offers, in order of date and name."""
    if reply.status != 200:
        raise SourceUnavailable(source=kind, reason=f"the list was answered with {reply.status}")
    try:
        listing = msgspec.json.decode(reply.body, type=Listing)
    except msgspec.MsgspecError as error:
        raise SourceUnavailable(source=kind, reason=f"the list is not as expected: {error}") from None
    named = (msgspec.structs.replace(file, kind=kind) for file in listing.files)
    return sorted(named, key=lambda file: (file.date, file.name))


def file_request(base_url: str, file: RemoteFile) -> HttpRequest:
    url = f"{base_url}/files/{file.kind}/{quote(file.name, safe='')}"
    return HttpRequest("GET", url, deadline_s=_DEADLINE_S * 4, max_bytes=MAX_FILE_BYTES)


def read_file(reply: HttpReply, file: RemoteFile) -> bytes:
    """The bytes, which are those that were offered: of the size and hash in the list."""
    if reply.status != 200:
        raise SourceUnavailable(source=file.kind, reason=f"{file.name} was answered with {reply.status}")
    if len(reply.body) != file.size or sha256(reply.body).hexdigest() != file.sha256:
        raise SourceUnavailable(source=file.kind, reason=f"{file.name} arrived damaged: size or hash differ from the list")
    return reply.body
