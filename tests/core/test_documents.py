"""What renderers make becomes the same JSON, whether it is a struct or a dict."""

import orjson
import pytest
from msgspec import Struct
from msgspec.structs import asdict

from apps.core.documents import encode, raw


class Thing(Struct):
    id: str
    parts: object = None


def test_a_struct_is_written_like_a_dict_of_its_fields() -> None:
    thing = Thing("a", [Thing("b", {"c": None}), 1, True, None])
    assert encode(thing) == b'{"id":"a","parts":[{"id":"b","parts":{"c":null}},1,true,null]}'
    assert encode({"data": [thing], "more": False}) == b'{"data":[' + encode(thing) + b'],"more":false}'


def test_every_character_is_escaped_as_in_a_dict() -> None:
    text = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x11_0000, 7)]))
    thing = Thing(text, {text[:300]: text})
    assert encode(thing) == orjson.dumps(asdict(thing))


def test_json_that_is_ready_is_passed_on_as_it_is() -> None:
    ready = {"large": 1e22, "small": 1e-7}
    assert encode(Thing("a", raw(ready))) == b'{"id":"a","parts":' + orjson.dumps(ready) + b"}"


def test_what_no_renderer_makes_is_refused() -> None:
    with pytest.raises(TypeError):
        encode({"id": object()})
