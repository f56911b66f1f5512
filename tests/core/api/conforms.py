"""Whether a rendered object is exactly what its response shape promises."""

from typing import Any

import msgspec


def assert_conforms(document: dict[str, Any], shape: type[msgspec.Struct]) -> None:
    """Every promised member is there with the promised type, and nothing else is."""
    converted = msgspec.convert(document, shape, strict=True)
    assert msgspec.to_builtins(converted) == document
