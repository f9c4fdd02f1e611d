"""The request types of the packages of Google, Mistral and Cohere, rebuilt strictly, where present.

The program does not use these packages: it speaks to the three over plain HTTP. Where somebody has
installed them (google-genai, mistralai, cohere), what we send must fit their types too. Each
pydantic model or TypedDict becomes one that knows its wire names alone and refuses strangers.
"""

from __future__ import annotations

import base64
import collections.abc
import enum
import importlib.util
import types
from functools import cache
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin

import typing_extensions
from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter

from flux_tui.core.models import Api

PACKAGES: dict[Api, str] = {
    "gemini": "google.genai.types",
    "mistral": "mistralai.client.models.chatcompletionstreamrequest",
    "cohere": "cohere.v2.client",
}
_WEB_SAFE = str.maketrans("-_", "+/")
_LISTS = (list, collections.abc.Sequence, collections.abc.Iterable)
_TAGS = frozenset({"type", "role"})  # the package may leave them out, the vendor wants them
_built: dict[type, Any] = {}


def is_present(api: Api) -> bool:
    """Whether the vendor's package is installed."""
    try:
        return importlib.util.find_spec(PACKAGES[api]) is not None
    except ModuleNotFoundError:  # not even what it would stand in
        return False


def _decodes(text: str) -> str:
    base64.b64decode(text.translate(_WEB_SAFE), validate=True)
    return text


def _strict(hint: Any) -> Any:
    if isinstance(hint, typing_extensions.TypeAliasType):
        return _strict(hint.__value__)
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _strict(args[0])
    if origin in (Union, types.UnionType):
        known = [arg for arg in args if not getattr(arg, "__name__", "").startswith("Un")]
        return Union[tuple(map(_strict, known))]  # noqa: UP007  # known only at run time
    if origin in _LISTS:
        return list[_strict(args[0])]
    if origin in (dict, collections.abc.Mapping):
        return dict[str, _strict(args[1])]
    return _named(hint)


def _named(hint: Any) -> Any:
    if hint is bytes:
        return Annotated[str, AfterValidator(_decodes)]
    if not isinstance(hint, type):
        return hint
    if issubclass(hint, enum.Enum):
        return Literal[tuple(member.value for member in hint)]
    if typing_extensions.is_typeddict(hint) or issubclass(hint, BaseModel):
        return _dictionary(hint)
    return hint


def _dictionary(hint: Any) -> Any:
    if hint not in _built:
        _built[hint] = dict[str, Any]  # for types that hold themselves
        fields = _fields_of_model(hint) if issubclass(hint, BaseModel) else _fields_of_dict(hint)
        _built[hint] = strict_dictionary(hint.__name__, fields)
    return _built[hint]


def strict_dictionary(name: str, fields: dict[str, Any]) -> Any:
    """A TypedDict that refuses strangers."""
    made = typing_extensions.TypedDict(name, fields)  # type: ignore[operator]
    made.__pydantic_config__ = ConfigDict(extra="forbid", strict=True)
    return made


def _fields_of_model(model: type[BaseModel]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        needed = field.is_required() or get_origin(field.annotation) is Literal
        strict = _strict(field.annotation)
        fields[field.alias or name] = strict if needed else NotRequired[strict]
    return fields


def _fields_of_dict(hint: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, field in typing_extensions.get_type_hints(hint, include_extras=True).items():
        inner, needed = field, True
        while get_origin(inner) in (Annotated, NotRequired, typing_extensions.NotRequired):
            needed = needed and get_origin(inner) is Annotated
            inner = get_args(inner)[0]
        strict = _strict(inner)
        fields[name] = strict if needed or name in _TAGS else NotRequired[strict]
    return fields


@cache
def adapter(api: Api) -> TypeAdapter[Any] | None:
    """The rebuilt type of a whole body; None where the vendor's package is not installed."""
    if not is_present(api):
        return None
    module = importlib.import_module(PACKAGES[api])
    match api:
        case "gemini":
            fields = {
                "contents": list[_strict(module.Content)],
                "systemInstruction": NotRequired[_strict(module.Content)],
                "tools": NotRequired[list[_strict(module.Tool)]],
                "toolConfig": NotRequired[_strict(module.ToolConfig)],
                "generationConfig": NotRequired[_strict(module.GenerationConfig)],
            }
            return TypeAdapter(strict_dictionary("Gemini", fields))
        case "mistral":
            return TypeAdapter(_strict(module.ChatCompletionStreamRequestTypedDict))
        case _:
            hints = typing_extensions.get_type_hints(module.V2Client.chat_stream)
            needed = {"model", "messages"}
            left_out = {"return", "request_options"}
            fields = {
                name: strict if name in needed else NotRequired[strict]
                for name, hint in hints.items()
                if name not in left_out
                for strict in [_strict(hint)]
            }
            return TypeAdapter(strict_dictionary("Cohere", {**fields, "stream": bool}))
