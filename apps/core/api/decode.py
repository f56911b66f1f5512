"""One strict decoder for every request: JSON and form bodies and query strings into a shape.

Refused, with the parameter's name in Stripe's bracket style: unknown and repeated parameters, wrong
types, NaN and numbers beyond 64 bits, NUL, invalid UTF-8, lone surrogates, characters that cannot be
seen or turn the text round, nesting beyond 20, and card data anywhere.
"""

import json
import re
from email.message import Message
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from apps.core.api import cards, forms, problems
from apps.core.api.errors import BodyInvalid, CardDataNotAccepted, ContentTypeUnsupported, ParameterRepeated
from apps.core.errors import ParameterUnknown

S = TypeVar("S", bound=msgspec.Struct)

MAX_DEPTH = 20
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


def decode(content_type: str, raw: bytes, query: str, shape: type[S]) -> S:
    """The body (or, where there is none, the query string) as a `shape`. A request with a body may
    not have parameters in its URL as well."""
    document = _document(content_type, raw, query, shape)
    try:
        return msgspec.convert(document, shape, strict=True)
    except msgspec.ValidationError as error:
        raise problems.named(str(error), document, shape) from None


def canonical(struct: msgspec.Struct) -> bytes:
    """The one byte form of a decoded request: equal for JSON and form, whatever the order of keys."""
    return msgspec.json.encode(struct, order="deterministic")


def _document(content_type: str, raw: bytes, query: str, shape: type[msgspec.Struct]) -> Any:
    if not raw:
        return _form(query, shape)
    if query:
        raise ParameterUnknown(param=problems.shortened(query.partition("=")[0]) + " (in the URL; send it in the body)")
    media = _media(content_type)
    text = _text(raw)
    return _form(text, shape) if media == FORM else _json(text)


def _text(raw: bytes) -> str:
    if raw.startswith(b"\xef\xbb\xbf"):
        raise BodyInvalid(reason="it starts with a byte order mark.")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BodyInvalid(reason="it is not valid UTF-8.") from None


@lru_cache(maxsize=256)
def _media(content_type: str) -> str:
    """FORM or JSON; every parameter but charset=utf-8 is refused."""
    message = Message()
    message["Content-Type"] = content_type
    media = message.get_content_type() if content_type else ""
    if media not in (FORM, JSON):
        raise ContentTypeUnsupported(reason="the Content-Type is missing or another")
    charset = message.get_param("charset", "utf-8")
    if not isinstance(charset, str) or charset.lower() not in ("utf-8", "utf8"):
        raise ContentTypeUnsupported(reason="the charset is not UTF-8")
    return media


def _form(text: str, shape: type[msgspec.Struct]) -> Any:
    if not text:
        return {}
    document, plain = forms.read(text)
    _refuse_unwanted(document, plain)
    return forms.coerced(document, shape)


def _json(text: str) -> Any:
    _refuse_depth(text)
    try:
        document, end = _decoder.raw_decode(text, _skip_blanks(text, 0))
    except (ValueError, RecursionError):
        raise BodyInvalid(reason="it is not valid JSON.") from None
    if _skip_blanks(text, end) != len(text):
        raise BodyInvalid(reason="there is something after the end of the JSON.")
    if not isinstance(document, dict):
        raise BodyInvalid(reason="it must be a JSON object.")
    # A backslash can hide what a text says: then only the values tell.
    _refuse_unwanted(document, text if "\\" not in text else None)
    return document


def _refuse_unwanted(document: Any, text: str | None) -> None:
    """Card data and unwanted characters. `text` is the whole request with every character standing for
    itself, where there is such a text: one look at it mostly spares looking at every value."""
    if text is not None and text.isascii() and not cards.suspicious(text) and not problems.has_unwanted(text):
        return
    path = cards.where(document)
    if path is not None:
        raise CardDataNotAccepted(param=problems.bracketed(path) or None)
    problems.refuse_characters(document)


def _refuse_depth(text: str) -> None:
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return
    depth = 0
    for token in _TOKENS.finditer(text):
        first = token.group()[0]
        depth += (first in "[{") - (first in "]}")
        if depth > MAX_DEPTH:
            raise BodyInvalid(reason=f"it is nested more than {MAX_DEPTH} deep.")


_BLANKS = re.compile(r"[ \t\n\r]*")


def _skip_blanks(text: str, start: int) -> int:
    match = _BLANKS.match(text, start)
    return match.end() if match else start


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ParameterRepeated(param=problems.shortened(repeated))
    return found


def _int64(digits: str) -> int | float:
    """The integer; or, beyond 64 bits, infinity, which no shape takes, so that the parameter is named."""
    if len(digits) > 20:
        return float("inf")
    number = int(digits)
    return number if -(2**63) <= number < 2**63 else float("inf")


def _not_json(name: str) -> float:
    raise BodyInvalid(reason=f"{name} is not JSON.")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_not_json, parse_int=_int64, strict=True)
