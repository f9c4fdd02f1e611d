"""A tool's JSON Schema -> the part of JSON Schema that Google reads.

Source: the list of keywords at `responseJsonSchema` and `parametersJsonSchema` in the reference
of v1beta, 2026-11-22. What is left out narrows what a model may write; the tool checks it anyway.
"""

from __future__ import annotations

from collections.abc import Mapping

from flux_tui.core.usage import JSON
from flux_tui.providers.json_values import items, mapping, plain

_SCALARS = frozenset(
    {"$id", "$ref", "$anchor", "type", "format", "title", "description", "minItems", "maxItems",
     "minimum", "maximum"}
)  # fmt: skip
_LISTS = frozenset({"enum", "required", "propertyOrdering"})
_SCHEMAS = frozenset({"anyOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"properties", "$defs"})
_DEEPEST = 64


def accepted_schema(schema: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return *schema* with the keywords that Google knows; an object at the top."""
    read = _accepted(schema, 0)
    if read.get("type") != "object":
        read["type"] = "object"
    return read


def _accepted(schema: Mapping[str, JSON], depth: int) -> dict[str, JSON]:
    if depth > _DEEPEST:
        return {}
    read: dict[str, JSON] = {}
    for key, value in schema.items():
        if key in _SCALARS or key in _LISTS:
            read[key] = plain(value)
        elif key in _SCHEMAS:
            read[key] = [_accepted(mapping(one), depth + 1) for one in items(value)]
        elif key in _NAMED:
            named = mapping(value)
            read[key] = {name: _accepted(mapping(one), depth + 1) for name, one in named.items()}
        elif key in {"items", "additionalProperties"}:
            read[key] = value if isinstance(value, bool) else _accepted(mapping(value), depth + 1)
        elif key == "const":
            read["enum"] = [plain(value)]
        elif key == "definitions":  # the name that older drafts gave it
            read["$defs"] = _accepted({"$defs": value}, depth)["$defs"]
        elif key == "allOf" and len(items(value)) == 1:
            read.update(_accepted(mapping(items(value)[0]), depth + 1))
    if isinstance(reference := read.get("$ref"), str):
        read["$ref"] = reference.replace("#/definitions/", "#/$defs/")
    return read
