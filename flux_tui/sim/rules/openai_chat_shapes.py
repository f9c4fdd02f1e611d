"""The shape of an OpenAI Chat Completions request.

Source: the request types of the openai package 3.54, read 2026-11-22.
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

_ANY = Anything()
_STR = Text()
_NAME = Text(pattern="[a-zA-Z0-9_-]{1,64}", rule="C1")
_ID = Text(longest=40, rule="C3")

_PARTS: dict[str, Shape] = {
    "text": Record({"type": _STR, "text": _STR}, {"prompt_cache_breakpoint": _ANY}),
    "image_url": Record(
        {
            "type": _STR,
            "image_url": Record(
                {"url": _STR}, {"detail": Text(choices=("auto", "low", "high", "original"))}
            ),
        },
        {"prompt_cache_breakpoint": _ANY},
    ),
    "input_audio": Record(
        {
            "type": _STR,
            "input_audio": Record({"data": _STR, "format": Text(choices=("wav", "mp3"))}),
        },
        {"prompt_cache_breakpoint": _ANY},
    ),
    "file": Record(
        {
            "type": _STR,
            "file": Record({}, {"file_data": _STR, "file_id": _STR, "filename": _STR}),
        },
        {"prompt_cache_breakpoint": _ANY},
    ),
    "refusal": Record({"type": _STR, "refusal": _STR}),
}
_CONTENT = Maybe(Either(_STR, Items(Tagged(_PARTS))))
_CALL = Tagged(
    {
        "function": Record(
            {"id": _ID, "type": _STR, "function": Record({"name": _NAME, "arguments": _STR})}
        ),
        "custom": Record({"id": _ID, "type": _STR, "custom": Dictionary()}),
    }
)
_SPOKEN = Record({"role": _STR, "content": _CONTENT}, {"name": _STR})
_MESSAGE = Tagged(
    {
        "system": _SPOKEN,
        "assistant": Record(
            {"role": _STR},
            {
                "content": _CONTENT,
                "name": _STR,
                "refusal": Maybe(_STR),
                "tool_calls": Items(_CALL),
                "function_call": _ANY,
                "audio": _ANY,
                # What compatible servers take back; OpenAI's ignores them.
                "reasoning_content": Maybe(_STR),
                "reasoning": Maybe(_STR),
                "reasoning_details": _ANY,
            },
        ),
        "user": _SPOKEN,
        "function": Record({"role": _STR, "name": _STR, "content": Maybe(_STR)}),
        "tool": Record({"role": _STR, "content": _CONTENT, "tool_call_id": _ID}),
        "developer": _SPOKEN,
    },
    key="role",
)
_TOOL = Tagged(
    {
        "function": Record(
            {
                "type": _STR,
                "function": Record(
                    {"name": _NAME},
                    {
                        "description": _STR,
                        "parameters": Dictionary(),
                        "strict": Maybe(Flag()),
                    },
                ),
            }
        ),
        "custom": Record({"type": _STR, "custom": Dictionary()}),
    }
)
_CHOICE = Either(
    Text(choices=("none", "auto", "required")),
    Tagged(
        {
            "function": Record({"type": _STR, "function": Record({"name": _STR})}),
            "allowed_tools": Record({"type": _STR, "allowed_tools": Dictionary()}),
            "custom": Record({"type": _STR, "custom": Dictionary()}),
        }
    ),
)
REQUEST = Record(
    {"model": _STR, "messages": Items(_MESSAGE, empty=False)},
    {
        "stream": Maybe(Flag()),
        "stream_options": Maybe(
            Record({}, {"include_usage": Flag(), "include_obfuscation": Flag()})
        ),
        "max_tokens": Maybe(Whole(1)),
        "max_completion_tokens": Maybe(Whole(1)),
        "temperature": Maybe(Number()),
        "top_p": Maybe(Number()),
        "presence_penalty": Maybe(Number()),
        "frequency_penalty": Maybe(Number()),
        "n": Maybe(Whole(1)),
        "seed": Maybe(Whole()),
        "stop": Maybe(Either(_STR, Items(_STR))),
        "logprobs": Maybe(Flag()),
        "top_logprobs": Maybe(Whole(0)),
        "logit_bias": Maybe(Dictionary()),
        "tools": Items(_TOOL),
        "tool_choice": _CHOICE,
        "parallel_tool_calls": Flag(),
        "reasoning_effort": Maybe(_STR),
        "response_format": Dictionary(),
        "verbosity": Maybe(Text(choices=("low", "medium", "high"))),
        "service_tier": Maybe(_STR),
        "store": Maybe(Flag()),
        "user": _STR,
        "metadata": Maybe(Dictionary()),
        "safety_identifier": Maybe(_STR),
        "prompt_cache_key": Maybe(Text(longest=64, rule="C-cache-key")),
        "prompt_cache_options": Dictionary(),
        "prompt_cache_retention": Maybe(_STR),
        "audio": _ANY,
        "modalities": _ANY,
        "moderation": _ANY,
        "prediction": _ANY,
        "web_search_options": Dictionary(),
        "functions": _ANY,
        "function_call": _ANY,
    },
)
