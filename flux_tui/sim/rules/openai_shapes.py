"""The shape of an OpenAI Responses request.

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

ANY = Anything()
STR = Text()
_STATUS = Maybe(Text(choices=("in_progress", "completed", "incomplete")))
_CALL_ID = Text(longest=64, rule="R1")
_ITEM_ID = Text(longest=64, rule="R3")
NAME = Text(pattern="[a-zA-Z0-9_-]{1,64}", rule="R-name")
_PHASE = Maybe(Text(choices=("commentary", "final_answer")))
CACHE_KEY = Text(longest=64, rule="R10")
_DETAIL = Maybe(Text(choices=("low", "high", "auto", "original")))

_INPUT_TEXT = Record({"type": STR, "text": STR}, {"prompt_cache_breakpoint": ANY})
_INPUT_IMAGE = Record(
    {"type": STR},
    {
        "detail": _DETAIL,
        "file_id": Maybe(STR),
        "image_url": Maybe(STR),
        "prompt_cache_breakpoint": ANY,
    },
)
_INPUT_FILE = Record(
    {"type": STR},
    {
        "detail": STR,
        "file_data": STR,
        "file_id": Maybe(STR),
        "file_url": STR,
        "filename": STR,
        "prompt_cache_breakpoint": ANY,
    },
)
_OUTPUT_TEXT = Record({"type": STR, "text": STR}, {"annotations": ANY, "logprobs": ANY})
_PARTS: dict[str, Shape] = {
    "input_text": _INPUT_TEXT,
    "input_image": _INPUT_IMAGE,
    "input_file": _INPUT_FILE,
    "input_audio": Record({"type": STR, "input_audio": Dictionary()}),
    "output_text": _OUTPUT_TEXT,
    "refusal": Record({"type": STR, "refusal": STR}),
}
_MESSAGE = Record(
    {
        "role": Text(choices=("assistant", "system", "developer", "user")),
        "content": Either(STR, Items(Tagged(_PARTS))),
    },
    {"type": STR, "id": _ITEM_ID, "status": _STATUS, "phase": _PHASE},
)
_SUMMARY = Record({"type": Text(choices=("summary_text",)), "text": STR})
_ITEMS: dict[str, Shape] = {
    "message": _MESSAGE,
    "function_call": Record(
        {"type": STR, "call_id": _CALL_ID, "name": NAME, "arguments": STR},
        {"id": _ITEM_ID, "status": _STATUS, "namespace": STR, "caller": ANY},
    ),
    "function_call_output": Record(
        {
            "type": STR,
            "call_id": _CALL_ID,
            "output": Either(
                STR,
                Items(Tagged({kind: _PARTS[kind] for kind in _PARTS if kind.startswith("input_")})),
            ),
        },
        {
            "id": Maybe(_ITEM_ID),
            "status": _STATUS,
            "caller": ANY,
            "name": Maybe(STR),
            "namespace": Maybe(STR),
        },
    ),
    "reasoning": Record(
        {"type": STR, "id": _ITEM_ID, "summary": Items(_SUMMARY)},
        {
            "content": Maybe(Items(Record({"type": STR, "text": STR}))),
            "encrypted_content": Maybe(STR),
            "status": _STATUS,
        },
    ),
    "item_reference": Record({"type": STR, "id": STR}),
    "custom_tool_call": Record(
        {"type": STR, "call_id": _CALL_ID, "name": STR, "input": STR}, closed=False
    ),
    "custom_tool_call_output": Record(
        {"type": STR, "call_id": _CALL_ID, "output": ANY}, closed=False
    ),
    "configuration_update": Record({"type": STR}, {"reasoning": Dictionary(), "text": ANY}),
}
# Items of tools that run at the vendor: their inside is the vendor's own.
_SERVER_FAMILIES = (
    "additional_tools",
    "apply_patch_call",
    "code_interpreter_call",
    "compaction",
    "computer_call",
    "file_search_call",
    "image_generation_call",
    "local_shell_call",
    "mcp_",
    "program",
    "shell_call",
    "tool_search_",
    "web_search_call",
)
INPUT = Either(STR, Items(Tagged(_ITEMS, default="message", families=_SERVER_FAMILIES)))

_FUNCTION_TOOL = Record(
    {"type": STR, "name": NAME},
    {
        "parameters": Maybe(Dictionary()),
        "strict": Maybe(Flag()),
        "description": Maybe(STR),
        "defer_loading": Flag(),
        "allowed_callers": ANY,
        "output_schema": Maybe(Dictionary()),
    },
)
_SERVER_TOOLS = (
    "apply_patch",
    "code_interpreter",
    "computer",
    "custom",
    "file_search",
    "image_generation",
    "local_shell",
    "mcp",
    "namespace",
    "programmatic_tool_calling",
    "shell",
    "tool_search",
    "web_search",
)
_CHOICE = Either(
    Text(choices=("none", "auto", "required")),
    Tagged(
        {
            "function": Record({"type": STR, "name": STR}),
            "allowed_tools": Record(
                {"type": STR, "mode": Text(choices=("auto", "required")), "tools": Items(ANY)}
            ),
        },
        families=_SERVER_TOOLS,
    ),
)
_SUMMARIES = Maybe(Text(choices=("auto", "concise", "detailed")))
_REASONING = Record(
    {},
    {
        "effort": Maybe(STR),
        "summary": _SUMMARIES,
        "generate_summary": _SUMMARIES,
        "context": Maybe(Text(choices=("auto", "current_turn", "all_turns"))),
        "mode": STR,
    },
)
REQUEST = Record(
    {"model": STR},
    {
        "input": INPUT,
        "instructions": Maybe(STR),
        "stream": Maybe(Flag()),
        "store": Maybe(Flag()),
        "include": Maybe(Items(STR)),
        "tools": Items(Tagged({"function": _FUNCTION_TOOL}, families=_SERVER_TOOLS)),
        "tool_choice": _CHOICE,
        "parallel_tool_calls": Maybe(Flag()),
        "max_output_tokens": Maybe(Whole(16)),
        "max_tool_calls": Maybe(Whole()),
        "temperature": Maybe(Number()),
        "top_p": Maybe(Number()),
        "top_logprobs": Maybe(Whole(0)),
        "reasoning": Maybe(_REASONING),
        "text": Record(
            {},
            {
                "format": Dictionary(),
                "verbosity": Maybe(Text(choices=("low", "medium", "high"))),
            },
        ),
        "truncation": Maybe(Text(choices=("auto", "disabled"))),
        "previous_response_id": Maybe(STR),
        "prompt_cache_key": Maybe(CACHE_KEY),
        "prompt_cache_options": Dictionary(),
        "prompt_cache_retention": Maybe(Text(choices=("in_memory", "in-memory", "24h"))),
        "stream_options": Maybe(Record({}, {"include_obfuscation": Flag()})),
        "service_tier": Maybe(STR),
        "metadata": Maybe(Dictionary()),
        "user": STR,
        "safety_identifier": Maybe(STR),
        "background": Maybe(Flag()),
        "access_programs": ANY,
        "background_options": ANY,
        "context_management": ANY,
        "conversation": ANY,
        "image": ANY,
        "moderation": ANY,
        "prompt": ANY,
        "beta": ANY,
    },
)
