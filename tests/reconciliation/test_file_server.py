"""What is believed of a file server's replies."""

from hashlib import sha256

import orjson
import pytest

from apps.core.http import HttpReply
from apps.reconciliation.domain import RemoteFile
from apps.reconciliation.errors import SourceUnavailable
from apps.reconciliation.gateways import file_server

BODY = b"payout_id,line_id\n"
OFFER = {"name": "a b.csv", "size": len(BODY), "sha256": sha256(BODY).hexdigest(), "date": "2026-11-02"}


def listed(*offers: dict, status: int = 200) -> list[RemoteFile]:
    return file_server.read_list(HttpReply(status, {}, orjson.dumps({"files": offers})), "settlement")


def test_files_are_listed_by_date_and_name() -> None:
    files = listed(OFFER, OFFER | {"date": "2026-11-01", "name": "z"}, OFFER | {"date": "2026-11-01", "name": "b"})
    assert [file.name for file in files] == ["b", "z", "a b.csv"]
    assert {file.kind for file in files} == {"settlement"}


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"files": [{}]}', b'{"files": [{"name": 1}]}', b"<html>"])
def test_a_list_of_another_shape_is_refused(body: bytes) -> None:
    with pytest.raises(SourceUnavailable):
        file_server.read_list(HttpReply(200, {}, body), "settlement")


def test_a_list_that_is_an_error_is_refused() -> None:
    with pytest.raises(SourceUnavailable, match="503"):
        listed(OFFER, status=503)


def test_a_name_cannot_lead_elsewhere() -> None:
    (file,) = listed(OFFER | {"name": "../../control/journal?x=1"})
    url = file_server.file_request("http://bank.example", file).url
    assert url == "http://bank.example/files/settlement/..%2F..%2Fcontrol%2Fjournal%3Fx%3D1"


def test_bytes_that_are_not_those_offered_are_refused() -> None:
    (file,) = listed(OFFER)
    assert file_server.read_file(HttpReply(200, {}, BODY), file) == BODY
    for body in (BODY[:-1], BODY + b"x", BODY.replace(b"p", b"q")):
        with pytest.raises(SourceUnavailable, match="damaged"):
            file_server.read_file(HttpReply(200, {}, body), file)


def test_a_file_that_is_gone_is_said_to_be() -> None:
    (file,) = listed(OFFER)
    with pytest.raises(SourceUnavailable, match="404"):
        file_server.read_file(HttpReply(404, {}, b""), file)
