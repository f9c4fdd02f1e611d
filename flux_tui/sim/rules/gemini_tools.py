"""What the Gemini API refuses in the tools of a request, and in how they may be called."""

from __future__ import annotations

from collections.abc import Iterator

from flux_tui.sim.rules.common import Violation
from flux_tui.sim.values import Object, mapping, objects, sequence, string

_LONGEST_PARAMETER = 64
_KINDS = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})


def tool_violations(body: Object) -> Iterator[Violation]:
    """Refuse names given twice, schemas that are none, and calling modes without their tools."""
    names: list[str] = []
    for at, tool in enumerate(objects(body.get("tools"))):
        for place, function in enumerate(objects(tool.get("functionDeclarations"))):
            path = f"tools[{at}].function_declarations[{place}]"
            name = string(function.get("name"))
            if name in names:
                text = f"Duplicate function declaration found: {name}"
                yield Violation("G-tool", f"{path}.name", text)
            names.append(name)
            yield from _parameters(function, path)
    choice = mapping(mapping(body.get("toolConfig")).get("functionCallingConfig"))
    yield from _choice(choice, names)


def _parameters(function: Object, path: str) -> Iterator[Violation]:
    if function.get("parameters") and function.get("parametersJsonSchema"):
        text = (
            f"* GenerateContentRequest.{path}: only one of parameters and parameters_json_schema "
            "may be set.\n"
        )
        yield Violation("G-schema", path, text)
    for key, at in (
        ("parameters", "parameters"),
        ("parametersJsonSchema", "parameters_json_schema"),
    ):
        schema = mapping(function.get(key))
        if not schema:
            continue
        where = f"{path}.{at}"
        if string(schema.get("type")).lower() != "object":
            text = f"* GenerateContentRequest.{where}: schema must be of type OBJECT.\n"
            yield Violation("G-schema", where, text)
        yield from _schema(schema, where, mapping(schema.get("$defs")), 0)


def _schema(schema: Object, path: str, known: Object, depth: int) -> Iterator[Violation]:
    if depth > 32:
        yield Violation("G-schema", path, f"* GenerateContentRequest.{path}: nested too deeply.\n")
        return
    yield from _keywords(schema, path, known)
    properties = mapping(schema.get("properties"))
    for name, inner in properties.items():
        if len(name) > _LONGEST_PARAMETER:
            text = f"* GenerateContentRequest.{path}.properties: name too long: {name}\n"
            yield Violation("G-schema", path, text)
        yield from _schema(mapping(inner), f"{path}.properties[{name}]", known, depth + 1)
    for name in sequence(schema.get("required")):
        if properties and string(name) not in properties:
            text = f"* GenerateContentRequest.{path}.required[0]: property is not defined: {name}\n"
            yield Violation("G-schema", path, text)
    yield from _schema_of_items(schema, path, known, depth)
    for name, inner in mapping(schema.get("$defs")).items():
        yield from _schema(mapping(inner), f"{path}.$defs[{name}]", known, depth + 1)


def _schema_of_items(schema: Object, path: str, known: Object, depth: int) -> Iterator[Violation]:
    for place, inner in enumerate(objects(schema.get("anyOf"))):
        yield from _schema(inner, f"{path}.any_of[{place}]", known, depth + 1)
    if schema.get("items") is not None:
        yield from _schema(mapping(schema["items"]), f"{path}.items", known, depth + 1)
    elif string(schema.get("type")).lower() == "array" and "prefixItems" not in schema:
        text = f"* GenerateContentRequest.{path}.items: missing field.\n"
        yield Violation("G-schema", path, text)


def _keywords(schema: Object, path: str, known: Object) -> Iterator[Violation]:
    kinds = [string(kind).lower() for kind in sequence(schema.get("type"))]
    kinds = kinds or [string(schema.get("type") or "null").lower()]
    if not set(kinds) <= _KINDS:
        text = f"* GenerateContentRequest.{path}.type: unknown type {', '.join(kinds)}\n"
        yield Violation("G-schema", path, text)
    reference = string(schema.get("$ref"))
    if reference and reference != "#" and reference.removeprefix("#/$defs/") not in known:
        text = f"* GenerateContentRequest.{path}: reference to undefined schema: {reference}\n"
        yield Violation("G-schema", path, text)


def _choice(choice: Object, names: list[str]) -> Iterator[Violation]:
    path = "tool_config.function_calling_config"
    mode = string(choice.get("mode"))
    allowed = [string(name) for name in sequence(choice.get("allowedFunctionNames"))]
    if mode in {"ANY", "VALIDATED"} and not names:
        text = "Function calling config is set without function_declarations."
        yield Violation("G-choice", path, text)
    elif allowed and mode not in {"ANY", "VALIDATED"}:
        text = "Allowed function names should only be set when the function calling mode is ANY."
        yield Violation("G-choice", f"{path}.allowed_function_names", text)
    for name in allowed:
        if names and name not in names:
            text = (
                f"Invalid function calling config: {name} in allowed_function_names is not in "
                "function_declarations."
            )
            yield Violation("G-choice", f"{path}.allowed_function_names", text)
