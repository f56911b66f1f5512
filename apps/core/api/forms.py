"""Form bodies and query strings: `a[b]=c`, `a[]=x`, `a[0]=x`, `a[0][b]=x` as nested dicts and lists of
text, then texts turned into what the shape says they are.

Only what is plainly meant is turned: an integer is `-?[0-9]{1,19}`, a boolean `true` or `false`, and
an empty text unsets what may be unset. Everything else stays text, for the strict conversion that
follows to refuse by name.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import inspect

from apps.core.api.errors import BodyInvalid, ParameterRepeated
from apps.core.errors import InvalidRequest

MAX_FIELDS = 1000
MAX_DEPTH = 20
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)\Z")
_INTEGER = re.compile(r"-?[0-9]{1,19}\Z")
_BOOLEANS = {"true": True, "false": False}
Coerce = Callable[[Any], Any]


def parse(text: str) -> dict[str, Any]:
    """The nested parameters of a form body or query string. Lists written with indices stay dicts
    until `coerced` sees that a list is meant."""
    return read(text)[0] if text else {}


def read(text: str) -> tuple[dict[str, Any], str]:
    """The parameters of `text`, and it without its escapes."""
    if text.count("&") >= MAX_FIELDS:
        raise BodyInvalid(reason=f"more than {MAX_FIELDS} parameters.")
    if "%" in text and _BAD_ESCAPE.search(text):
        raise BodyInvalid(reason="a % that is not followed by two hexadecimal digits.")
    plain = _unquoted(text)
    # Most often no escape stands for what separates, and it is the same whether they are undone before or after.
    late = "%26" in text or "%3D" in text or "%3d" in text
    root: dict[str, Any] = {}
    for field in (text if late else plain).split("&"):
        name, equals, value = field.partition("=")
        if not equals or not name:
            raise BodyInvalid(reason="every parameter must have the form name=value.")
        if late:
            name, value = _unquoted(name), _unquoted(value)
        if "[" in name or "]" in name:
            _insert(root, name, value)
        elif name in root:
            raise ParameterRepeated(param=name)
        else:
            root[name] = value
    return root, plain


def _unquoted(text: str) -> str:
    """`text`, in which every % stands before two hexadecimal digits, without its escapes.  Raises: BodyInvalid."""
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text:
        return text
    # Python's own escapes are undone in C, all at once.
    escaped = text.encode().replace(b"\\", b"\\\\").replace(b"%", b"\\x")
    try:
        return escaped.decode("unicode_escape").encode("latin-1").decode()
    except UnicodeDecodeError:
        raise BodyInvalid(reason="it is not valid UTF-8.") from None


def _insert(root: dict[str, Any], name: str, value: str) -> None:
    """Puts a name with brackets where it belongs. Most have one pair of them."""
    match = _NAME.match(name)
    if match is None:
        raise BodyInvalid(reason="a parameter's brackets do not match.")
    parts = [match[1], *match[2][1:-1].split("][")]
    if len(parts) == 2 and parts[1]:
        node = root.setdefault(parts[0], {})
        if not isinstance(node, dict) or parts[1] in node:
            raise ParameterRepeated(param=name)
        node[parts[1]] = value
        return
    if len(parts) > MAX_DEPTH:
        raise BodyInvalid(reason=f"parameters nested more than {MAX_DEPTH} deep.")
    _insert_nested(root, parts, name, value)


def _insert_nested(node: dict[str, Any], parts: list[str], name: str, value: str) -> None:
    appends = parts[-1] == ""
    if appends:
        parts = parts[:-1]
    if "" in parts:
        raise InvalidRequest(param=name, reason="write the items of a list of objects as name[0][field].")
    for part in parts[:-1]:
        child = node.setdefault(part, {})
        if not isinstance(child, dict):
            raise ParameterRepeated(param=name)
        node = child
    _set(node, parts[-1], name, value, appends=appends)


def _set(node: dict[str, Any], last: str, name: str, value: str, *, appends: bool) -> None:
    if not appends:
        if last in node:
            raise ParameterRepeated(param=name)
        node[last] = value
        return
    items = node.setdefault(last, [])
    if not isinstance(items, list):
        raise ParameterRepeated(param=name)
    items.append(value)


def coerced(document: dict[str, Any], shape: type[msgspec.Struct]) -> Any:
    """`document`, changed in place, with its texts turned into the types of `shape` wherever they plainly say so."""
    return _coercer(shape)(document)


@lru_cache(maxsize=512)
def _coercer(shape: type[msgspec.Struct]) -> Coerce:
    return _compile(inspect.type_info(shape))


def _compile(kind: inspect.Type) -> Coerce:
    if isinstance(kind, inspect.Metadata):
        return _compile(kind.type)
    if isinstance(kind, inspect.UnionType):
        return _union(kind)
    if isinstance(kind, inspect.StructType):
        return _struct({field.encode_name: _compile(field.type) for field in kind.fields})
    if isinstance(kind, inspect.DictType):
        return _mapping(_compile(kind.value_type))
    if isinstance(kind, inspect.ListType | inspect.VarTupleType):
        return _sequence(_compile(kind.item_type))
    if isinstance(kind, inspect.IntType):
        return _integer
    if isinstance(kind, inspect.BoolType):
        return _boolean
    return _as_is


def _as_is(value: Any) -> Any:
    return value


def _integer(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.isascii() and value.isdecimal() and len(value) <= 19:
        return int(value)
    return int(value) if _INTEGER.match(value) else value


def _texts_by_name(value: Any) -> Any:
    return {} if value == "" else value


def _text_or_none(value: Any) -> Any:
    return None if value == "" else value


def _boolean(value: Any) -> Any:
    return _BOOLEANS.get(value, value) if isinstance(value, str) else value


def _struct(fields: dict[str, Coerce]) -> Coerce:
    turning = {name: turn for name, turn in fields.items() if turn is not _as_is}
    names = turning.keys()

    def coerce(value: Any) -> Any:
        if isinstance(value, dict):
            for name in names & value.keys():
                value[name] = turning[name](value[name])
        return value

    return coerce


def _mapping(item: Coerce) -> Coerce:
    if item is _as_is:
        return _texts_by_name

    def coerce(value: Any) -> Any:
        if value == "":
            return {}
        return {name: item(inner) for name, inner in value.items()} if isinstance(value, dict) else value

    return coerce


def _sequence(item: Coerce) -> Coerce:
    def coerce(value: Any) -> Any:
        if value == "":
            return []
        if isinstance(value, dict):
            value = _indexed(value)
        return [item(inner) for inner in value] if isinstance(value, list) else value

    return coerce


def _indexed(value: dict[str, Any]) -> Any:
    """{"0": a, "1": b} as [a, b]; anything else as it is."""
    wanted = [str(index) for index in range(len(value))]
    return [value[index] for index in wanted] if all(index in value for index in wanted) else value


def _union(kind: inspect.UnionType) -> Coerce:
    options = [option.type if isinstance(option, inspect.Metadata) else option for option in kind.types]
    nullable = any(isinstance(option, inspect.NoneType) for option in options)
    scalars = [_compile(option) for option in options if isinstance(option, inspect.IntType | inspect.BoolType)]
    nested = [option for option in options if isinstance(option, inspect.StructType | inspect.DictType | inspect.ListType)]
    compiled = [(_compile(option), isinstance(option, inspect.ListType)) for option in nested]
    if nullable and not scalars and all(turn is _texts_by_name for turn, _ in compiled):
        return _text_or_none

    def coerce(value: Any) -> Any:
        if value == "" and nullable:
            return None
        if isinstance(value, str):
            if not scalars:
                return value
            return next((turned for turn in scalars if (turned := turn(value)) is not value), value)
        for turn, is_list in compiled:
            if isinstance(value, list) <= is_list:
                return turn(value)
        return value

    return coerce
