"""The shape of a Cohere v2 chat request.

Source: the request types of the cohere package 7.3 and the API reference, read 2026-11-22.
"""

from __future__ import annotations

from flux_tui.sim.rules.common import (
    Anything,
    Dictionary,
    Either,
    Flag,
    Items,
    Maybe,
    Number,
    Record,
    Tagged,
    Text,
    Whole,
)

_ANY = Anything()
_STR = Text()
_TEXT = Record({"type": _STR, "text": _STR})
_IMAGE = Record(
    {
        "type": _STR,
        "image_url": Record({"url": _STR}, {"detail": Text(choices=("auto", "low", "high"))}),
    }
)
_DOCUMENT = Record(
    {"type": _STR, "document": Record({"data": Either(_STR, Dictionary())}, {"id": Maybe(_STR)})}
)
_THINKING = Record({"type": _STR, "thinking": _STR})
_CALL = Record(
    {
        "id": _STR,
        "type": Text(choices=("function",)),
        "function": Record({"name": _STR, "arguments": _STR}),
    }
)
_MESSAGE = Tagged(
    {
        "system": Record({"role": _STR, "content": Either(_STR, Items(Tagged({"text": _TEXT})))}),
        "user": Record(
            {
                "role": _STR,
                "content": Either(_STR, Items(Tagged({"text": _TEXT, "image_url": _IMAGE}))),
            }
        ),
        "assistant": Record(
            {"role": _STR},
            {
                "content": Maybe(
                    Either(_STR, Items(Tagged({"text": _TEXT, "thinking": _THINKING})))
                ),
                "tool_calls": Maybe(Items(_CALL)),
                "tool_plan": Maybe(_STR),
                "citations": Maybe(Items(_ANY)),
            },
        ),
        "tool": Record(
            {
                "role": _STR,
                "tool_call_id": _STR,
                "content": Either(_STR, Items(Tagged({"text": _TEXT, "document": _DOCUMENT}))),
            }
        ),
    },
    key="role",
)
_TOOL = Record(
    {
        "type": Text(choices=("function",)),
        "function": Record(
            {"name": Text(pattern="[a-zA-Z_][a-zA-Z0-9_-]*", rule="H-tool")},
            {"description": Maybe(_STR), "parameters": Dictionary()},
        ),
    }
)
REQUEST = Record(
    {"model": _STR, "messages": Items(_MESSAGE, empty=False, rule="H1")},
    {
        "stream": Flag(),
        "tools": Items(_TOOL),
        "strict_tools": Flag(),
        "documents": Items(_ANY),
        "citation_options": Dictionary(),
        "response_format": Dictionary(),
        "safety_mode": Text(choices=("CONTEXTUAL", "STRICT", "OFF")),
        "max_tokens": Whole(1),
        "stop_sequences": Items(_STR),
        "temperature": Number(),
        "seed": Whole(0),
        "frequency_penalty": Number(),
        "presence_penalty": Number(),
        "k": Number(),
        "p": Number(),
        "logprobs": Flag(),
        "tool_choice": Text(choices=("REQUIRED", "NONE"), rule="H3"),
        "thinking": Record(
            {"type": Text(choices=("enabled", "disabled"))}, {"token_budget": Whole(1)}
        ),
        "priority": Whole(0),
    },
)
