"""docs/openapi.json: the description served at /v1/openapi.json, for review and for diffs."""

import json
from typing import Any

from drf_spectacular.generators import SchemaGenerator


def page() -> str:
    generator: Any = SchemaGenerator
    schema = generator().get_schema(request=None, public=True)
    return json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
