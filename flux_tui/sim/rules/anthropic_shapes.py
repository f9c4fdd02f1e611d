"""The shape of an Anthropic Messages request, and the words its violations are told in.

Source: the request types of the anthropic package 2.12, stable and beta, read 2026-11-22.
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
    Problem,
    Record,
    Shape,
    Tagged,
    Text,
    Violation,
    Whole,
    dotted,
)

_ANY = Anything()
_STR = Text()
_CACHE = Maybe(
    Record({"type": Text(choices=("ephemeral",))}, {"ttl": Maybe(Text(choices=("5m", "1h")))})
)
_ID = Text(pattern="[a-zA-Z0-9_-]+", rule="A4")
_TOOL_NAME = Text(pattern="[a-zA-Z0-9_-]{1,128}", rule="A6")
_MEDIA = ("image/jpeg", "image/png", "image/gif", "image/webp")

_TEXT = Record({"type": _STR, "text": _STR}, {"cache_control": _CACHE, "citations": _ANY})
_IMAGE = Record(
    {
        "type": _STR,
        "source": Tagged(
            {
                "base64": Record(
                    {"type": _STR, "media_type": Text(choices=_MEDIA, rule="A-image"), "data": _STR}
                ),
                "url": Record({"type": _STR, "url": _STR}),
                "file": Record({"type": _STR, "file_id": _STR}),
            }
        ),
    },
    {"cache_control": _CACHE, "transformations": _ANY},
)
_DOCUMENT = Record(
    {
        "type": _STR,
        "source": Tagged(
            {
                "base64": Record(
                    {"type": _STR, "media_type": Text(choices=("application/pdf",)), "data": _STR}
                ),
                "text": Record(
                    {"type": _STR, "media_type": Text(choices=("text/plain",)), "data": _STR}
                ),
                "content": Record({"type": _STR, "content": _ANY}),
                "url": Record({"type": _STR, "url": _STR}),
                "file": Record({"type": _STR, "file_id": _STR}),
            }
        ),
    },
    {
        "cache_control": _CACHE,
        "citations": _ANY,
        "context": Maybe(_STR),
        "title": Maybe(_STR),
    },
)
_SEARCH_RESULT = Record(
    {"type": _STR, "content": Items(_TEXT), "source": _STR, "title": _STR},
    {"cache_control": _CACHE, "citations": _ANY},
)
_REFERENCE = Record({"type": _STR, "tool_name": _STR}, {"cache_control": _CACHE})
_RESULT_CONTENT = Tagged(
    {
        "text": _TEXT,
        "image": _IMAGE,
        "document": _DOCUMENT,
        "search_result": _SEARCH_RESULT,
        "tool_reference": _REFERENCE,
    }
)
_TOOL_RESULT = Record(
    {"type": _STR, "tool_use_id": _ID},
    {
        "cache_control": _CACHE,
        "content": Either(_STR, Items(_RESULT_CONTENT)),
        "is_error": Flag(),
        "toolset_name": Maybe(_STR),
    },
)
_TOOL_USE = Record(
    {"type": _STR, "id": _ID, "name": _TOOL_NAME, "input": Dictionary(rule="A5")},
    {"cache_control": _CACHE, "caller": _ANY, "toolset_name": Maybe(_STR)},
)
# Blocks of tools that run at the vendor: their inside is the vendor's own.
_SERVER_FAMILIES = (
    "server_tool_use",
    "web_search_tool_",
    "web_fetch_tool_",
    "code_execution_tool_",
    "bash_code_execution_",
    "text_editor_code_",
    "tool_search_tool_",
    "mcp_tool_",
    "advisor_tool_",
    "tool_addition",
    "tool_removal",
    "compaction",
)
_BLOCKS: dict[str, Shape] = {
    "text": _TEXT,
    "image": _IMAGE,
    "document": _DOCUMENT,
    "search_result": _SEARCH_RESULT,
    "thinking": Record({"type": _STR, "thinking": _STR, "signature": _STR}),
    "redacted_thinking": Record({"type": _STR, "data": _STR}),
    "tool_use": _TOOL_USE,
    "tool_result": _TOOL_RESULT,
    "container_upload": Record({"type": _STR, "file_id": _STR}, {"cache_control": _CACHE}),
}
_MESSAGE = Record(
    {
        "role": Text(choices=("user", "assistant", "system")),
        "content": Either(_STR, Items(Tagged(_BLOCKS, families=_SERVER_FAMILIES))),
    }
)
_CUSTOM_TOOL = Record(
    {
        "name": _TOOL_NAME,
        "input_schema": Record({"type": Text(choices=("object",))}, closed=False),
    },
    {
        "type": Maybe(_STR),
        "description": _STR,
        "cache_control": _CACHE,
        "allowed_callers": _ANY,
        "defer_loading": Flag(),
        "eager_input_streaming": Maybe(Flag()),
        "input_examples": _ANY,
        "strict": Flag(),
    },
)
_SERVER_TOOLS = (
    "web_search_",
    "web_fetch_",
    "code_execution_",
    "bash_",
    "text_editor_",
    "computer_",
    "memory_",
    "tool_search_tool_",
    "advisor_",
    "mcp_toolset",
)
_DISPLAY = Maybe(Text(choices=("summarized", "omitted")))
_THINKING = Tagged(
    {
        "enabled": Record(
            {"type": _STR, "budget_tokens": Whole(1024, rule="A18")},
            {"display": _DISPLAY, "block_binding": _ANY},
        ),
        "adaptive": Record({"type": _STR}, {"display": _DISPLAY, "block_binding": _ANY}),
        "disabled": Record({"type": _STR}),
        "between_tools": Record({"type": _STR}, {"display": _DISPLAY, "block_binding": _ANY}),
    }
)
_CHOICE = Tagged(
    {
        "auto": Record({"type": _STR}, {"disable_parallel_tool_use": Flag()}),
        "any": Record({"type": _STR}, {"disable_parallel_tool_use": Flag()}),
        "tool": Record({"type": _STR, "name": _STR}, {"disable_parallel_tool_use": Flag()}),
        "none": Record({"type": _STR}),
    }
)
_EFFORT = Text(choices=("low", "medium", "high", "xhigh", "max"), rule="A-effort")
_OPTIONAL: dict[str, Shape] = {
    "system": Either(_STR, Items(Tagged({"text": _TEXT}))),
    "stream": Flag(),
    "stop_sequences": Items(_STR),
    "temperature": Number(),
    "top_p": Number(),
    "top_k": Whole(0),
    "tools": Items(Tagged({"custom": _CUSTOM_TOOL}, default="custom", families=_SERVER_TOOLS)),
    "tool_choice": _CHOICE,
    "thinking": _THINKING,
    "output_config": Record({}, {"effort": Maybe(_EFFORT), "format": _ANY, "task_budget": _ANY}),
    "cache_control": _CACHE,
    "metadata": Record({}, {"user_id": Maybe(_STR)}),
    "service_tier": Text(choices=("auto", "standard_only")),
    "speed": Maybe(Text(choices=("standard", "fast"))),
    "container": _ANY,
    "diagnostics": _ANY,
    "inference_geo": Maybe(_STR),
    "user_profile_id": _STR,
    "workspace_id": _STR,
    # beta
    "billing_policy": _ANY,
    "compaction": _ANY,
    "context_management": _ANY,
    "fallback_credit_token": _ANY,
    "fallbacks": _ANY,
    "mcp_servers": _ANY,
    "thread": _ANY,
}
REQUEST = Record(
    {"model": _STR, "max_tokens": Whole(0), "messages": Items(_MESSAGE, empty=False, rule="A1")},
    _OPTIONAL,
)
COUNT_REQUEST = Record({"model": _STR, "messages": Items(_MESSAGE, empty=False)}, _OPTIONAL)

_NOUNS = {
    "a string": "valid string",
    "an integer": "valid integer",
    "a decimal": "valid number",
    "a boolean": "valid boolean",
    "an array": "valid list",
    "an object": "valid dictionary",
}


def worded(problem: Problem) -> Violation:
    """*problem* in the API's words: `messages.0.content: Field required`."""
    where = dotted(problem.path)
    return Violation(problem.rule or "A0", where, f"{where}: {_words(problem)}")


def _words(problem: Problem) -> str:
    match problem.kind:
        case "missing":
            return "Field required"
        case "unknown":
            return "Extra inputs are not permitted"
        case "type":
            return f"Input should be a {_NOUNS.get(problem.expected, 'valid list')}"
        case "choice":
            quoted = [f"'{name}'" for name in problem.choices]
            return "Input should be " + " or ".join(
                part for part in (", ".join(quoted[:-1]), quoted[-1]) if part
            )
        case "tag":
            expected = ", ".join(f"'{name}'" for name in problem.choices)
            return (
                f"Input tag '{problem.found}' found using 'type' does not match any of the "
                f"expected tags: {expected}"
            )
        case "pattern":
            return f"String should match pattern '{problem.expected}'"
        case "long":
            return f"String should have at most {problem.expected} characters"
        case "low":
            return f"Input should be greater than or equal to {problem.expected}"
        case "empty":
            return "at least one message is required"
