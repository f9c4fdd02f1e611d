"""The shape of a Mistral chat completions request.

Source: the request types of the mistralai package 3.7 and the API reference, read 2026-11-22.
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
    Shape,
    Tagged,
    Text,
    Whole,
)

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_ANY = Anything()
_STR = Text()
_NAME = Text(pattern="[a-zA-Z0-9_-]{1,256}", rule="M-tool")

_TEXT = Record({"type": _STR, "text": _STR})
_REFERENCE = Record({"type": _STR, "reference_ids": Items(_ANY)})
_CHUNKS: dict[str, Shape] = {
    "text": _TEXT,
    "image_url": Record(
        {
            "type": _STR,
            "image_url": Either(_STR, Record({"url": _STR}, {"detail": Maybe(_STR)})),
        }
    ),
    "document_url": Record({"type": _STR, "document_url": _STR}, {"document_name": Maybe(_STR)}),
    "input_audio": Record({"type": _STR, "input_audio": _ANY}),
    "file": Record({"type": _STR, "file_id": _STR}),
    "reference": _REFERENCE,
    "resource": Record({"type": _STR}, closed=False),
    "resource_link": Record({"type": _STR}, closed=False),
}
_THINKING = Record(
    {"type": _STR, "thinking": Items(Tagged({"text": _TEXT, "reference": _REFERENCE}))},
    {"closed": Flag(), "signature": Maybe(_STR)},
)
_CONTENT = Maybe(Either(_STR, Items(Tagged(_CHUNKS))))
_SAID = Maybe(Either(_STR, Items(Tagged({**_CHUNKS, "thinking": _THINKING}))))
_CALL = Record(
    {"function": Record({"name": _NAME, "arguments": Either(_STR, Dictionary())})},
    {"id": Maybe(_STR), "type": Text(choices=("function",)), "index": Whole()},
)
_MESSAGE = Tagged(
    {
        "system": Record({"role": _STR, "content": _SAID}),
        "user": Record({"role": _STR, "content": _CONTENT}),
        "assistant": Record(
            {"role": _STR},
            {"content": _SAID, "tool_calls": Maybe(Items(_CALL)), "prefix": Flag()},
        ),
        "tool": Record(
            {"role": _STR, "content": _CONTENT},
            {"tool_call_id": Maybe(_STR), "name": Maybe(_STR)},
        ),
    },
    key="role",
)
_TOOL = Record(
    {
        "function": Record(
            {"name": _NAME, "parameters": Dictionary()},
            {"description": _STR, "strict": Flag()},
        )
    },
    {"type": Text(choices=("function",))},
)
_CHOICE = Either(
    Text(choices=("auto", "none", "any", "required")),
    Record({"function": Record({"name": _STR})}, {"type": Text(choices=("function",))}),
)
REQUEST = Record(
    {"model": _STR, "messages": Items(_MESSAGE)},
    {
        "stream": Maybe(Flag()),
        "temperature": Maybe(Number()),
        "top_p": Maybe(Number()),
        "max_tokens": Maybe(Whole(0)),
        "stop": Maybe(Either(_STR, Items(_STR))),
        "random_seed": Maybe(Whole(0)),
        "metadata": Maybe(Dictionary()),
        "response_format": Dictionary(),
        "tools": Maybe(Items(_TOOL)),
        "tool_choice": _CHOICE,
        "presence_penalty": Number(),
        "frequency_penalty": Number(),
        "n": Maybe(Whole(1)),
        "prediction": Dictionary(),
        "parallel_tool_calls": Flag(),
        "prompt_mode": Maybe(Text(choices=("reasoning",))),
        "reasoning_effort": Maybe(Text(choices=EFFORTS)),
        "prompt_cache_key": Maybe(_STR),
        "service_tier": Maybe(_STR),
        "safe_prompt": Flag(),
        "guardrails": _ANY,
    },
)
