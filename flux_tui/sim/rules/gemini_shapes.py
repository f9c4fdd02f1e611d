"""The shape of a Gemini request.

Source: the request types of google-genai 3.4 and the reference of v1beta, read 2026-11-22. Both
spellings of a name pass, as in inlineData and inline_data: `canonical` makes one of them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass

from flux_tui.sim.rules.common import (
    Anything,
    Dictionary,
    Flag,
    Items,
    Maybe,
    Number,
    Path,
    Problem,
    Record,
    Shape,
    Text,
    Whole,
)
from flux_tui.sim.values import Object, is_array, is_object, mapping, sequence

_SNAKE = re.compile(r"_([a-z])")
_HUMP = re.compile(r"(?<!^)([A-Z])")
# The client's own data stands below these, not fields of the API.
_FREE = frozenset({"args", "response", "parametersJsonSchema", "responseJsonSchema"})
_MAPS = frozenset({"properties"})

DATA_FIELDS = (
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
)
"""The fields of a part of which it has exactly one."""


@dataclass(frozen=True, slots=True)
class Base64:
    """Bytes in either alphabet of base64, padded or not."""

    noun: str = "TYPE_BYTES"

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        """See `Shape`."""
        if not isinstance(value, str):
            yield Problem(path, "type", self.noun, found=value)
            return
        text = value.replace("-", "+").replace("_", "/").rstrip("=")
        try:
            base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except ValueError:
            yield Problem(path, "pattern", "base64", found=value)


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema in Google's own dialect, which knows fewer keywords than JSON Schema."""

    noun: str = "TYPE_MESSAGE"

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        """See `Shape`."""
        yield from _SCHEMA.problems(value, path)
        found = mapping(value)
        if "items" in found:
            yield from self.problems(found["items"], (*path, "items"))
        for index, inner in enumerate(sequence(found.get("anyOf"))):
            yield from self.problems(inner, (*path, "anyOf", index))
        for name, inner in mapping(found.get("properties")).items():
            yield from self.problems(inner, (*path, "properties", name))


_ANY = Anything()
_STR = Text(noun="TYPE_STRING")
_FLAG = Flag(noun="TYPE_BOOL")
_INT = Whole(noun="TYPE_INT32")
_FLOAT = Number(noun="TYPE_FLOAT")
_STRUCT = Dictionary(noun="type.googleapis.com/google.protobuf.Struct")
_NAMES = Items(_STR)
_NAME = Text(pattern=r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}", rule="G7", noun="TYPE_STRING")
_KINDS = ("STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL")
_SCHEMA = Record(
    {},
    {
        "type": Text(choices=(*_KINDS, *(kind.lower() for kind in _KINDS)), noun="TYPE_ENUM"),
        "format": _STR,
        "title": _STR,
        "description": _STR,
        "nullable": _FLAG,
        "enum": _NAMES,
        "items": _ANY,
        "maxItems": _ANY,
        "minItems": _ANY,
        "properties": _STRUCT,
        "required": _NAMES,
        "minProperties": _ANY,
        "maxProperties": _ANY,
        "minLength": _ANY,
        "maxLength": _ANY,
        "minimum": _FLOAT,
        "maximum": _FLOAT,
        "pattern": _STR,
        "example": _ANY,
        "anyOf": Items(_ANY),
        "propertyOrdering": _NAMES,
        "default": _ANY,
    },
)
_BLOB = Record({"mimeType": _STR, "data": Base64()}, {"displayName": _STR})
_FILE = Record({"fileUri": _STR}, {"mimeType": _STR, "displayName": _STR})
_CALL = Record({"name": _STR}, {"id": _STR, "args": _STRUCT})
_RESULT = Record(
    {"name": _STR, "response": _STRUCT},
    {
        "id": _STR,
        "willContinue": _FLAG,
        "scheduling": _ANY,
        "parts": Items(Record({}, {"inlineData": _BLOB, "fileData": _FILE})),
    },
)
_PART = Record(
    {},
    {
        "text": _STR,
        "thought": _FLAG,
        "thoughtSignature": Base64(),
        "inlineData": _BLOB,
        "fileData": _FILE,
        "functionCall": _CALL,
        "functionResponse": _RESULT,
        "executableCode": Record({"code": _STR}, {"language": _STR, "id": _STR}),
        "codeExecutionResult": Record({}, {"outcome": _STR, "output": _STR, "id": _STR}),
        "toolCall": Dictionary(noun="TYPE_MESSAGE"),
        "toolResponse": Dictionary(noun="TYPE_MESSAGE"),
        "videoMetadata": _ANY,
        "mediaResolution": _ANY,
        "partMetadata": _ANY,
    },
)
_CONTENT = Record({"parts": Items(_PART, empty=False, rule="G3")}, {"role": _STR})
_FUNCTION = Record(
    {"name": _NAME},
    {
        "description": _STR,
        "parameters": Maybe(Schema()),
        "parametersJsonSchema": _STRUCT,
        "response": _ANY,
        "responseJsonSchema": _ANY,
        "behavior": _ANY,
    },
)
_TOOL = Record(
    {},
    {
        "functionDeclarations": Items(_FUNCTION),
        **dict.fromkeys(
            (
                "googleSearch",
                "googleSearchRetrieval",
                "codeExecution",
                "urlContext",
                "fileSearch",
                "googleMaps",
                "computerUse",
                "mcpServers",
            ),
            Dictionary(noun="TYPE_MESSAGE"),
        ),
    },
)
_CALLING = Record(
    {},
    {
        "mode": Text(
            choices=("MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"), noun="TYPE_ENUM"
        ),
        "allowedFunctionNames": _NAMES,
    },
)
_THINKING = Record(
    {},
    {
        "includeThoughts": _FLAG,
        "thinkingBudget": Whole(least=-1, noun="TYPE_INT32"),
        "thinkingLevel": Text(
            choices=tuple(
                word
                for name in ("MINIMAL", "LOW", "MEDIUM", "HIGH")
                for word in (name, name.lower())
            ),
            noun="TYPE_ENUM",
        ),
    },
)
_CONFIG = Record(
    {},
    {
        "stopSequences": _NAMES,
        "responseMimeType": _STR,
        "responseSchema": _ANY,
        "responseJsonSchema": _ANY,
        "responseModalities": _NAMES,
        "candidateCount": _INT,
        "maxOutputTokens": _INT,
        "temperature": _FLOAT,
        "topP": _FLOAT,
        "topK": _FLOAT,
        "seed": _INT,
        "presencePenalty": _FLOAT,
        "frequencyPenalty": _FLOAT,
        "responseLogprobs": _FLAG,
        "logprobs": _INT,
        "enableEnhancedCivicAnswers": _FLAG,
        "speechConfig": _ANY,
        "thinkingConfig": _THINKING,
        "imageConfig": _ANY,
        "mediaResolution": _STR,
    },
)
REQUEST: Shape = Record(
    {"contents": Items(_CONTENT, empty=False, rule="G3")},
    {
        "model": _STR,
        "systemInstruction": _CONTENT,
        "tools": Items(_TOOL),
        "toolConfig": Record(
            {},
            {
                "functionCallingConfig": _CALLING,
                "retrievalConfig": _ANY,
                "includeServerSideToolInvocations": _FLAG,
            },
        ),
        "generationConfig": _CONFIG,
        "safetySettings": Items(Dictionary(noun="TYPE_MESSAGE")),
        "cachedContent": _STR,
        "serviceTier": _STR,
        "store": _FLAG,
    },
)


def canonical(value: object) -> object:
    """*value* with the names of its fields in the spelling of JSON, `inlineData`."""
    if is_array(value):
        return [canonical(item) for item in sequence(value)]
    if not is_object(value):
        return value
    read: Object = {}
    for name, item in mapping(value).items():
        key = _SNAKE.sub(lambda found: found[1].upper(), name)
        if key in _FREE:
            read[key] = item
        elif key in _MAPS:
            read[key] = {inner: canonical(schema) for inner, schema in mapping(item).items()}
        else:
            read[key] = canonical(item)
    return read


def snake(name: str) -> str:
    """`inline_data`: how Google's error messages spell a field."""
    return _HUMP.sub(r"_\1", name).lower()
