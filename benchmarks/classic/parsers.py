"""Form bodies with names in brackets, as payment APIs have them: `metadata[order]=A-1`."""

import re
from typing import Any

from rest_framework.parsers import FormParser

_PARTS = re.compile(r"[^\[\]]+")


class BracketFormParser(FormParser):
    """`a[b]=1&c[]=2` as {"a": {"b": "1"}, "c": ["2"]}."""

    def parse(self, stream, media_type=None, parser_context=None) -> dict[str, Any]:
        document: dict[str, Any] = {}
        for name, values in super().parse(stream, media_type, parser_context).lists():
            *parents, last = _PARTS.findall(name)
            place = document
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = values if name.endswith("[]") else values[-1]
        return document
