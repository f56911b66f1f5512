"""Names the parameter that is wrong, in Stripe's bracket style: `metadata[order]`, `items[0][amount]`."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from apps.core.api.errors import BodyInvalid, EmptyValue, InvalidInteger
from apps.core.api.types import PATTERN_REASONS
from apps.core.errors import InvalidRequest, ParameterMissing, ParameterUnknown

_MAX_NAME = 100
_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at (?P<key>`key` in )?`(?P<path>\$[^`]*)`)?\Z", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`\Z", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`\Z", re.DOTALL)
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d+|\.\.\.)\]")
_PATTERN = re.compile(r"Expected `str` matching regex '(.*)'\Z", re.DOTALL)
_LENGTH = re.compile(r"Expected `(\w+)` of length (<=|>=) (\d+)\Z")
_RANGE = re.compile(r"Expected `int` (<=|>=|<|>) (-?\d+)\Z")
_WRONG_TYPE = re.compile(r"Expected `(.*)`, got `(.*)`\Z")
# Controls that turn text round, and characters that cannot be seen. Joiners stay: scripts and emoji need them.
_UNWANTED = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
_TAGS = re.compile("[\U000e0000-\U000e007f]")


def shortened(name: str) -> str:
    """`name` fit to be repeated in an answer."""
    name = name.encode("utf-8", "replace").decode("utf-8")
    return name if len(name) <= _MAX_NAME else name[:_MAX_NAME] + "…"


def has_unwanted(text: str) -> bool:
    """Whether an ASCII text holds a character that `refuse_characters` refuses."""
    return not text.isprintable() and _UNWANTED.search(text) is not None


def refuse_characters(document: Any) -> None:
    """Raises for the first name or text that holds a character which no honest text needs."""
    for path, text in _texts(document, []):
        if _UNWANTED.search(text) or (not text.isascii() and _TAGS.search(text)):
            raise InvalidRequest(
                param=bracketed(path), reason="it holds characters that are not allowed (NUL, other control or invisible characters)."
            )


def _texts(value: Any, path: list[str]) -> Iterator[tuple[list[str], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, item in value.items():
            cleaned = _UNWANTED.sub("\N{REPLACEMENT CHARACTER}", name)
            yield [*path, cleaned], name
            yield from _texts(item, [*path, cleaned])
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, [*path, str(index)])


def named(message: str, document: Any, shape: type[msgspec.Struct]) -> Exception:
    """The error for what msgspec says is wrong with `document` as a `shape`."""
    match = _MESSAGE.match(message)
    if match is None:
        return BodyInvalid(reason="it does not have the expected form.")
    what = match["what"]
    path = [name or index for name, index in _STEP.findall(match["path"] or "$")]
    if (found := _MISSING.match(what)) or (unknown := _UNKNOWN.match(what)):
        field = (found or unknown)[1]  # type: ignore[index]
        param = bracketed([*_located(path, document, shape), field])
        return ParameterMissing(param=param) if found else ParameterUnknown(param=param)
    if match["key"]:
        path.append("...")
    return _wrong(what, bracketed(_located(path, document, shape)))


def _wrong(what: str, param: str) -> Exception:
    if found := _PATTERN.match(what):
        return InvalidRequest(param=param, reason=PATTERN_REASONS.get(found[1], "it does not have the expected form."))
    if found := _LENGTH.match(what):
        return _wrong_length(found[1], found[2], int(found[3]), param)
    if found := _RANGE.match(what):
        return InvalidInteger(param=param, reason=f"it must be {found[1]} {found[2]}.")
    if found := _WRONG_TYPE.match(what):
        return _wrong_type(found[1], found[2], param)
    return InvalidRequest(param=param, reason="it is not one of the values allowed.")


def _wrong_length(kind: str, sign: str, limit: int, param: str) -> Exception:
    if sign == ">=" and limit == 1:
        return EmptyValue(param=param)
    unit = {"str": "characters", "object": "keys"}.get(kind, "items")
    return InvalidRequest(param=param, reason=f"it must have {'at most' if sign == '<=' else 'at least'} {limit} {unit}.")


def _wrong_type(expected: str, got: str, param: str) -> Exception:
    if "int" in expected.split(" | ") and got in ("float", "str", "bool", "int"):
        return InvalidInteger(param=param, reason="it must be an integer.")
    words = {"str": "text", "int": "an integer", "bool": "true or false", "object": "an object", "array": "a list"}
    wanted = [words.get(kind, kind) for kind in expected.split(" | ") if kind != "null"]
    return InvalidRequest(param=param, reason=f"it must be {' or '.join(wanted)}.")


def _located(path: list[str], document: Any, shape: type[msgspec.Struct]) -> list[str]:
    """`path` with every `...` (a key that msgspec does not name) replaced by the key that is wrong."""
    while "..." in path:
        at = path.index("...")
        keys = _reached(document, path[:at])
        key = next((key for key in keys if not _valid(_only(document, path[:at], key), shape, path[:at])), "...")
        if key == "...":
            return path[:at]
        path = [*path[:at], key, *path[at + 1 :]]
    return path


def _reached(document: Any, path: list[str]) -> list[str]:
    for step in path:
        document = document[int(step)] if isinstance(document, list) else document[step]
    return list(document)


def _only(document: Any, path: list[str], key: str) -> Any:
    """A copy of `document` whose dict at `path` holds nothing but `key`."""
    if not path:
        return {key: document[key]}
    if isinstance(document, list):
        index = int(path[0])
        return [_only(item, path[1:], key) if at == index else item for at, item in enumerate(document)]
    return {**document, path[0]: _only(document[path[0]], path[1:], key)}


def _valid(document: Any, shape: type[msgspec.Struct], path: list[str]) -> bool:
    """Whether nothing is wrong at `path` (something may be, elsewhere)."""
    try:
        msgspec.convert(document, shape, strict=True)
    except msgspec.ValidationError as error:
        match = _MESSAGE.match(str(error))
        steps = [name or index for name, index in _STEP.findall((match and match["path"]) or "$")]
        return steps[: len(path)] != path
    return True


def bracketed(path: Sequence[str]) -> str:
    """`("items", "0", "amount")` as `items[0][amount]`; empty for the root."""
    head, *rest = path or ("",)
    return shortened(head + "".join(f"[{step}]" for step in rest))
