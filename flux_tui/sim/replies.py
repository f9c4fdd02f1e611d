"""What the simulator answers: chosen by the words of the last user message, always the same.

A `sim:` or `bench` line (see `prompts`) decides everything; otherwise keywords do: tool words
call the tool of that meaning when the request offers one, and words for Markdown kinds choose a
text. A request that forces a tool or a JSON schema gets that.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from flux_tui.sim import content
from flux_tui.sim.prompts import Directive
from flux_tui.sim.script import Ask, Call, Outcome, Page, Reply, Stop, Tool
from flux_tui.sim.tokens import pieces
from flux_tui.sim.values import Object, dumps, mapping, sequence, string

REFUSAL = "I can't help with that request."
_LOOKED_AT = 400  # characters of the prompt that keywords are looked for in
_SYSTEM = re.compile(r"<system>.*?</system>", re.DOTALL)
_ANSWER = re.compile(
    r"^(?P<mark>\[\w+\]) answer (?P<letter>[A-Z])\n(?P<text>.*?)\n(?P=mark) end of answer",
    re.DOTALL | re.MULTILINE,
)
_STOPS: dict[str, Stop] = {"end": "end", "length": "length", "refusal": "refusal"}


def choose(ask: Ask, directive: Directive | None) -> Reply:
    """The answer to *ask*, within its token limit and stop sequences."""
    reply = _directed(ask, directive) if directive else _prompted(ask)
    if not ask.reasons:
        reply = replace(reply, thinking=(), redacted=False)
    elif not reply.thinking and ask.asked_to_reason and reply.stop != "refusal":
        reply = replace(reply, thinking=pieces(content.thoughts(2)))
    return _limited(_stopped(reply, ask.stops), ask.max_output)


def prompt_text(text: str) -> str:
    """*text* without the system notes that a client folds into a user turn."""
    return _SYSTEM.sub("", text).strip()


def _directed(ask: Ask, directive: Directive) -> Reply:
    thinking = pieces(content.thoughts(directive.think)) if directive.think else ()
    if directive.redacted and not thinking:
        thinking = pieces(content.thoughts(1))
    shared = Reply(thinking=thinking, redacted=directive.redacted)
    if directive.calls and ask.rounds < directive.repeat:
        lead = pieces(directive.text) if directive.text is not None else ()
        return replace(shared, text=lead, calls=directive.calls, stop="tool_use")
    if directive.stop == "refusal":
        return replace(shared, text=pieces(REFUSAL), stop="refusal")
    stop = _STOPS.get(directive.stop, "end")
    if directive.kind == "think" and directive.tokens is not None:
        half = directive.tokens // 2
        thought = content.filler(half, "prose", directive.seed)
        text = content.filler(directive.tokens - half, "md", directive.seed, directive.marker)
        return Reply(thinking=thought, text=text, stop=stop)
    if directive.tokens is not None:
        kind = directive.kind or "md"
        text = content.filler(directive.tokens, kind, directive.seed, directive.marker)
        return replace(shared, text=text, stop=stop)
    if directive.text is not None:
        return replace(shared, text=pieces(directive.text), stop=stop)
    said = _summary(ask) if ask.outcomes else _introduction(ask)
    return replace(shared, text=pieces(said), stop=stop)


def _prompted(ask: Ask) -> Reply:
    verdict = _verdict(ask.text)
    if verdict:
        return Reply(text=pieces(verdict))
    words = prompt_text(ask.text)[:_LOOKED_AT]
    lower = words.lower()
    thinking = pieces(content.thoughts(4)) if re.search(r"\bthink", lower) else ()
    if re.search(r"\brefuse\b", lower):
        return Reply(text=pieces(REFUSAL), stop="refusal")
    if ask.forced is not None and not ask.outcomes:
        return Reply(thinking=thinking, calls=(_forced(ask),), stop="tool_use")
    if ask.outcomes:
        return Reply(text=pieces(_summary(ask)))
    calls = _calls(words, ask)
    if calls:
        lead = pieces("Let me look at that." if len(calls) == 1 else "Let me look at both.")
        return Reply(thinking=thinking, text=lead, calls=calls, stop="tool_use")
    if ask.schema is not None:
        return Reply(thinking=thinking, text=pieces(dumps(example(ask.schema))))
    if re.search(r"\btruncate\b|\bmax tokens\b", lower):
        return Reply(thinking=thinking, text=pieces(content.LIST)[:40], stop="length")
    if re.search(r"\bsources\b|\bcite\b|\bcitations?\b", lower):
        return Reply(thinking=thinking, text=pieces(content.CITED), pages=_PAGES)
    return Reply(thinking=thinking, text=_text(lower, ask))


_PAGES = (
    Page("Example Domain", "https://example.org/"),
    Page("Example Domains of the IANA", "https://www.iana.org/help/example-domains"),
)


_TEXTS: tuple[tuple[str, str], ...] = (
    (r"\bmarkdown\b", content.MARKDOWN),
    (r"\btables?\b", content.TABLE),
    (r"\bcode\b|\bprogram\b", content.CODE),
    (r"\blists?\b", content.LIST),
    (r"\bquote", content.QUOTE),
    (r"\bemoji\b|\bunicode\b|\bcjk\b", content.EMOJI),
    (r"\blinks?\b", content.LINKS),
)


def _verdict(text: str) -> str:
    """Return what a judge of answers replies in JSON; empty if *text* asks for no winner.

    The longer answer wins, wherever it stands; answers of one length are a tie.
    """
    answers = {found["letter"]: found["text"] for found in _ANSWER.finditer(text)}
    if not answers or '"winner": "A" or' not in text:
        return ""
    longest = max(1, *map(len, answers.values()))
    scores = [1 + 9 * len(answer) // longest for answer in answers.values()]
    best = [letter for letter, answer in answers.items() if len(answer) == longest]
    winner = best[0] if len(best) == 1 else "tie"
    reason = "The simulator takes the longer answer for the better one."
    return dumps({"reason": reason, "scores": scores, "winner": winner})


def _text(lower: str, ask: Ask) -> tuple[str, ...]:
    if re.search(r"\blong\b", lower):
        return content.filler(1500, "md", "long")
    for pattern, text in _TEXTS:
        if re.search(pattern, lower):
            return pieces(text)
    return pieces(_introduction(ask))


def _introduction(ask: Ask) -> str:
    lines = [
        f"This is the **Flux TUI simulator**, speaking `{ask.wire}` as `{ask.model}`. No network "
        "and no key are involved, and nothing is billed."
    ]
    if ask.attachments:
        lines.append(f"I received {_counted(ask.attachments)}.")
    if ask.turns > 1:
        lines.append(f"This is message {ask.turns} of our conversation, and I have all of it.")
    offer = "Ask me for a *table*, *code*, a *list*, or *markdown* of every kind"
    if ask.tools:
        offer += "; or say `read README.md`, `list files`, `search TODO`, `run ls`"
    lines.append(f"{offer}.")
    return "\n\n".join(lines)


def _counted(kinds: tuple[str, ...]) -> str:
    counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
    named = [f"{number} × `{kind}`" for kind, number in counts.items()]
    return f"{len(kinds)} attachment{'s' if len(kinds) > 1 else ''} ({', '.join(named)})"


def _summary(ask: Ask) -> str:
    lines = ["Here is what the tools returned:", ""]
    lines += [_line(outcome) for outcome in ask.outcomes]
    failed = sum(outcome.failed for outcome in ask.outcomes)
    done = "All of it worked." if not failed else f"{failed} of them failed; I go on without."
    return "\n".join([*lines, "", done])


def _line(outcome: Outcome) -> str:
    lines = outcome.text.strip().splitlines()
    first = lines[0][:60].replace("`", "'") if lines else "(nothing)"
    state = "failed" if outcome.failed else f"{len(lines)} line{'s' if len(lines) != 1 else ''}"
    return f"- **{outcome.name or 'tool'}**: {state}, beginning `{first}`"


def _forced(ask: Ask) -> Call:
    named = [tool for tool in ask.tools if tool.name == ask.forced] or list(ask.tools)
    if not named:
        return Call(ask.forced or "tool")
    return Call(named[0].name, mapping(example(named[0].schema)))


def _named(ask: Ask, *names: str) -> Tool | None:
    return next((tool for name in names for tool in ask.tools if tool.name == name), None)


_READ = ("read_file", "read", "open_file", "cat", "view")
_LIST = ("list_files", "list_dir", "list_directory", "ls", "glob", "find_files")
_SEARCH = ("search_text", "grep", "search", "ripgrep")
_WRITE = ("write_file", "create_file", "write")
_RUN = ("run_shell", "bash", "shell", "run_command", "execute")
_PATHS = ("path", "file_path", "filename", "file", "directory", "dir", "root")


def _calls(words: str, ask: Ask) -> tuple[Call, ...]:
    if not ask.tools:
        return ()
    if re.search(r"\bparallel\b|\btwo tools\b|\bcompare\b", words, re.IGNORECASE):
        return _several(ask)
    for pattern, make in _ORDERS:
        found = re.search(pattern, words, re.IGNORECASE | re.MULTILINE)
        call = make(ask, found) if found else None
        if call is not None:
            return (call,)
    return ()


def _several(ask: Ask) -> tuple[Call, ...]:
    made = (
        _make(_named(ask, *_LIST), {_PATHS: "."}),
        _make(_named(ask, *_READ), {_PATHS: "README.md"}),
        _make(_named(ask, *_SEARCH), {("pattern", "query", "text"): "TODO", _PATHS: "."}),
    )
    calls = tuple(call for call in made if call is not None)
    if not calls:
        calls = tuple(Call(tool.name, mapping(example(tool.schema))) for tool in ask.tools[:2])
    return calls if ask.parallel else calls[:1]


def _make(tool: Tool | None, values: dict[tuple[str, ...], str]) -> Call | None:
    if tool is None:
        return None
    properties = mapping(tool.schema.get("properties"))
    required = sequence(tool.schema.get("required"))
    arguments: Object = {
        name: example(mapping(properties.get(name))) for name in required if isinstance(name, str)
    }
    for names, value in values.items():
        name = next((name for name in names if name in properties), names[0])
        if name in properties or not properties:
            arguments[name] = value
    return Call(tool.name, arguments)


def _unquoted(word: str) -> str:
    return word.strip().strip("`\"'")


def _read(ask: Ask, found: re.Match[str]) -> Call | None:
    return _make(_named(ask, *_READ), {_PATHS: _unquoted(found.group(1))})


def _list_files(ask: Ask, found: re.Match[str]) -> Call | None:
    return _make(_named(ask, *_LIST), {_PATHS: _unquoted(found.group(1) or ".")})


def _search(ask: Ask, found: re.Match[str]) -> Call | None:
    wanted = _unquoted(found.group(1))
    return _make(
        _named(ask, *_SEARCH), {("pattern", "query", "text", "regex"): wanted, _PATHS: "."}
    )


def _write(ask: Ask, found: re.Match[str]) -> Call | None:
    path = _unquoted(found.group(1))
    text = f"# {path}\n\nWritten by the simulator as {ask.model}.\n"
    return _make(_named(ask, *_WRITE), {_PATHS: path, ("content", "text", "contents"): text})


def _run(ask: Ask, found: re.Match[str]) -> Call | None:
    command = _unquoted(found.group(1))
    return _make(_named(ask, *_RUN), {("command", "cmd", "script"): command})


def _any_tool(ask: Ask, _found: re.Match[str]) -> Call | None:
    listing = _make(_named(ask, *_LIST), {_PATHS: "."})
    tool = ask.tools[0]
    return listing or Call(tool.name, mapping(example(tool.schema)))


_ORDERS: tuple[tuple[str, Callable[[Ask, re.Match[str]], Call | None]], ...] = (
    (r"\brun (.+)$", _run),
    (r"\bwrite (?:to )?(\S+[./]\S+)", _write),
    (r"\bread (?:the )?(?:file )?(\S+)", _read),
    (r"\blist (?:the )?files(?: in (\S+))?", _list_files),
    (r"\bsearch (?:for )?(.+)$", _search),
    (r"\btools?\b", _any_tool),
)


def example(schema: Object) -> object:
    """A small value that fits a JSON schema: the first choice, one item, short texts."""
    if "const" in schema:
        return schema["const"]
    for key in ("enum", "examples"):
        if sequence(schema.get(key)):
            return sequence(schema[key])[0]
    for key in ("anyOf", "oneOf", "allOf"):
        if sequence(schema.get(key)):
            return example(mapping(sequence(schema[key])[0]))
    kind = schema.get("type")
    kind = sequence(kind)[0] if sequence(kind) else kind
    return _example_of(string(kind), schema)


def _example_of(kind: str, schema: Object) -> object:
    properties = mapping(schema.get("properties"))
    if kind == "object" or properties:
        required = sequence(schema.get("required")) or list(properties)
        return {str(name): example(mapping(properties.get(str(name)))) for name in required}
    if kind == "array":
        return [example(mapping(schema.get("items")))]
    simple: dict[str, object] = {"integer": 1, "number": 1.5, "boolean": True, "null": None}
    return simple.get(kind, "example" if kind == "string" else {})


def _stopped(reply: Reply, stops: tuple[str, ...]) -> Reply:
    text = "".join(reply.text)
    hits = [(text.find(stop), stop) for stop in stops if stop and stop in text]
    if not hits or reply.calls:
        return reply
    at, stop = min(hits)
    return replace(reply, text=pieces(text[:at]), stop_sequence=stop)


def _limited(reply: Reply, most: int | None) -> Reply:
    if most is None:
        return reply
    thinking = reply.thinking[:most]
    room = most - len(thinking)
    text = reply.text[:room]
    room -= len(text)
    whole = len(thinking) == len(reply.thinking) and len(text) == len(reply.text)
    if whole and (not reply.calls or room > 0):
        return reply
    return replace(reply, thinking=thinking, text=text, calls=(), stop="length")
