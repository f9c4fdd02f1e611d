"""The SDKs' own request types, rebuilt so that they refuse what their servers would.

As they come, lazy iterables hide errors, unknown keys pass and response models in the unions
swallow anything. Rebuilt: iterables are lists, every TypedDict forbids strangers, response models
and files are left out of unions.
"""

from __future__ import annotations

import collections.abc
import types
from functools import cache
from typing import Annotated, Any, NotRequired, Union, get_args, get_origin

import typing_extensions
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from flux_tui.core.models import Api
from tests.conversion import plain_types

_LISTS = (list, collections.abc.Iterable, collections.abc.Sequence)
_NOTHING = object()  # of a union, when all its members are left out
_built: dict[type, Any] = {}


def _strict(hint: Any) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if typing_extensions.is_typeddict(hint):
        return _dictionary(hint)
    if origin is Annotated:
        return _strict(args[0])
    if origin in (Union, types.UnionType):
        strict = [_strict(arg) for arg in args if not _left_out(arg)]
        kept = [arg for arg in strict if arg is not _NOTHING]
        return Union[tuple(kept)] if kept else _NOTHING  # noqa: UP007  # known only at run time
    if origin in _LISTS or getattr(origin, "__name__", "") == "SequenceNotStr":
        return list[_strict(args[0])]
    if origin in (dict, collections.abc.Mapping):
        return dict[str, _strict(args[1])]
    return hint


def _left_out(hint: Any) -> bool:
    inner = get_origin(hint) or hint
    if not isinstance(inner, type):
        return False
    streams = (BaseModel, collections.abc.Iterator)
    return issubclass(inner, streams) or inner.__name__ in {"IO", "PathLike"}


def _dictionary(hint: Any) -> Any:
    if hint in _built:
        return _built[hint]
    # A placeholder first: several types hold themselves.
    _built[hint] = dict[str, Any]
    fields: dict[str, Any] = {}
    hints = typing_extensions.get_type_hints(hint, include_extras=True)
    for name, field in hints.items():
        inner, needed = field, name in hint.__required_keys__
        while get_origin(inner) in (
            Annotated,
            typing_extensions.Required,
            typing_extensions.NotRequired,
        ):
            kind = get_origin(inner)
            needed = {typing_extensions.Required: True, typing_extensions.NotRequired: False}.get(
                kind, needed
            )
            inner = get_args(inner)[0]
        strict = _strict(inner)
        fields[name] = strict if needed else NotRequired[strict]
    made = typing_extensions.TypedDict(hint.__name__, fields)  # type: ignore[operator]
    made.__pydantic_config__ = ConfigDict(extra="forbid", strict=True)
    _built[hint] = made
    return made


@cache
def _adapter(api: Api) -> TypeAdapter[Any] | None:
    match api:
        case "anthropic":
            from anthropic.types import message_create_params as params

            return TypeAdapter(_strict(params.MessageCreateParamsStreaming))
        case "openai-chat":
            from openai.types.chat import completion_create_params as chat

            return TypeAdapter(_strict(chat.CompletionCreateParamsStreaming))
        case "openai-responses":
            from openai.types.responses import response_create_params as responses

            return TypeAdapter(_strict(responses.ResponseCreateParamsStreaming))
        case "gemini" | "mistral" | "cohere":
            return plain_types.adapter(api)


def problems(api: Api, body: Any) -> list[str]:
    """What the rebuilt types refuse in *body*; empty when they accept it, or there are none."""
    adapter = _adapter(api)
    if adapter is None:
        return []
    try:
        adapter.validate_python(body)
    except ValidationError as error:
        return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:8]]
    return []
