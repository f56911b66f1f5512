"""When two answers to one request are the same, and how to say where they are not."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Verdict = Literal["same", "moved_on", "different", "skipped"]
SAME: Literal["same"] = "same"
MOVED_ON: Literal["moved_on"] = "moved_on"
DIFFERENT: Literal["different"] = "different"
SKIPPED: Literal["skipped"] = "skipped"
Json = Any

# What is kept of a body that differs.
KEPT_BYTES = 65_536
# Begins a line that stands for what is not kept.
CUT = "… "

_SECRETS = re.compile(rb'("client_secret"\s*:\s*")([^"]*)(")')
_IDS = re.compile(r"\b([a-z]{2,5})_[0-7][0-9a-hjkmnp-tv-z]{25}(?:_secret_[0-9A-Za-z_-]+)?")
_TIMES = ("created", "canceled_at", "available_on")


@dataclass(frozen=True, slots=True)
class Told:
    """An answer as the client sees it."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """What a comparison came to. `what` says in a few words where the answers differ, or why nothing
    was compared. `hot` and `classic` are what was compared, where they differ."""

    verdict: Verdict
    what: str = ""
    hot: Told | None = None
    classic: Told | None = None


def judged_read(sent: Told, hot: Told, classic: Told) -> Finding:
    """`hot` and `classic` are the two answers under one snapshot, `sent` is what the client got earlier.

    If only `sent` is another, the data has moved on since: nobody can say what the classic path would
    have answered then. But it has to be an answer of the same kind."""
    if hot != classic:
        return Finding(DIFFERENT, _said(hot, classic), hot, classic)
    if sent == hot:
        return Finding(SAME)
    odd = _unlike(sent, hot)
    return Finding(DIFFERENT, f"sent, and not for want of time: {odd}", sent, classic) if odd else Finding(MOVED_ON)


def judged_write(hot: Told, classic: Told) -> Finding:
    """Both come from `masked`, so that what must differ between two payments does not."""
    return Finding(SAME) if hot == classic else Finding(DIFFERENT, _said(hot, classic), hot, classic)


def _said(hot: Told, classic: Told) -> str:
    if hot.status != classic.status:
        return f"status {hot.status} ≠ {classic.status}"
    if hot.content_type != classic.content_type:
        return f"content type {hot.content_type} ≠ {classic.content_type}"
    return first_difference(hot.body, classic.body)


def first_difference(one: bytes, other: bytes) -> str:
    """Where two bodies part: a path into the JSON, or `bytes` where only its spelling differs."""
    left, right = parsed(one), parsed(other)
    if left is None or right is None:
        return "bytes"
    return next(_paths(left, right, ""), "bytes")


def _paths(left: Json, right: Json, at: str) -> Iterator[str]:
    if isinstance(left, dict) and isinstance(right, dict):
        if list(left) != list(right):
            odd = sorted(left.keys() ^ right.keys())
            yield f"{at}.{odd[0]}".lstrip(".") if odd else f"{at or 'object'}: order of keys"
        for name in left:
            if name in right:
                yield from _paths(left[name], right[name], f"{at}.{name}".lstrip("."))
    elif isinstance(left, list) and isinstance(right, list):
        for number, (one, other) in enumerate(zip(left, right, strict=False)):
            yield from _paths(one, other, f"{at}[{number}]")
        if len(left) != len(right):
            yield f"{at}: {len(left)} ≠ {len(right)} items"
    elif type(left) is not type(right) or left != right:
        yield at or "value"


def _unlike(sent: Told, hot: Told) -> str:
    """What in `sent` cannot be an earlier state of `hot`; empty if nothing."""
    if sent.content_type != hot.content_type:
        return "content type"
    if sent.status >= 500:
        return f"status {sent.status}"
    if sent.status != 200 or hot.status != 200:
        return ""
    before, now = parsed(sent.body), parsed(hot.body)
    if not isinstance(before, dict) or not isinstance(now, dict):
        return "no object"
    if list(before) != list(now):
        return "its keys"
    fixed = [name for name in ("object", "id", "url", "livemode", "created") if name in now and before[name] != now[name]]
    if not fixed and sent.body != json_bytes(before) and hot.body == json_bytes(now):
        return "the spelling of its JSON"
    return fixed[0] if fixed else ""


def parsed(body: bytes) -> Json:
    """The JSON in `body`; None if it is none."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def json_bytes(document: Json) -> bytes:
    """The JSON of `document` as the API spells it."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def kept(one: bytes, other: bytes) -> tuple[str, str]:
    """Two bodies that differ, as they may be stored: at most 64 KB of each, the same part of both and the first
    difference in it; secrets replaced by a trace that is equal where they were."""
    one, other = _without_secrets(one), _without_secrets(other)
    start = _start(one, other)
    return _part(one, start), _part(other, start)


def _without_secrets(body: bytes) -> bytes:
    return _SECRETS.sub(lambda found: found[1] + b"secret, trace " + _trace(found[2]) + found[3], body)


def _start(one: bytes, other: bytes) -> int:
    """Where the part begins that is kept: where a member does, well before the first difference."""
    if max(len(one), len(other)) <= KEPT_BYTES:
        return 0
    same = next((at for at, (ours, theirs) in enumerate(zip(one, other, strict=False)) if ours != theirs), min(len(one), len(other)))
    return 0 if same < KEPT_BYTES // 2 else one.rfind(b",", 0, same - KEPT_BYTES // 4) + 1


def _part(body: bytes, start: int) -> str:
    text = body[start : start + KEPT_BYTES].decode("utf-8", "replace").replace("\0", "�")
    before, more = f"{CUT}{start} bytes before\n" if start else "", len(body) - start - KEPT_BYTES
    return f"{before}{text}\n{CUT}{more} bytes more" if more > 0 else before + text


def _trace(secret: bytes) -> bytes:
    return hashlib.sha256(secret).hexdigest()[:8].encode()


class Mask:
    """Replaces what two payments cannot have in common: an id becomes its kind and its place in the
    order of first appearance (so that references still have to agree), a time becomes 0."""

    def __init__(self) -> None:
        self._places: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def __call__(self, document: Json) -> Json:
        if isinstance(document, dict):
            return {self._text(name): self._member(name, value) for name, value in document.items()}
        if isinstance(document, list):
            return [self(item) for item in document]
        return self._text(document) if isinstance(document, str) else document

    def _member(self, name: str, value: Json) -> Json:
        return 0 if name in _TIMES and type(value) is int else self(value)

    def _text(self, text: str) -> str:
        return _IDS.sub(self._place, text) if "_" in text else text

    def _place(self, found: re.Match[str]) -> str:
        kind, id = found[1], found[0].partition("_secret_")[0]
        if id not in self._places:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._places[id] = f"{kind}_{self._counts[kind]}"
        return self._places[id] + ("_secret" if "_secret_" in found[0] else "")
