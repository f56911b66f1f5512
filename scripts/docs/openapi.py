"""docs/openapi.json: the description served at /v1/openapi.json, for review and for diffs."""

import json

from drf_spectacular.generators import SchemaGenerator


def page() -> str:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    return json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
