"""How many tokens a conversation is: counted with tiktoken where possible, else estimated.

Counting never downloads: tiktoken is used only when its vocabulary lies on this machine.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Literal, assert_never

from flux_tui.core.codec import dumps
from flux_tui.core.messages import (
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from flux_tui.core.models import ModelRef
from flux_tui.providers.base import ToolSpec

Basis = Literal["tiktoken", "estimate"]

# tiktoken 0.14 names its cache file after the address and checks this sum (openai_public.py).
# A file with another sum it would delete and load again from the network.
_FILE = "fb374d419588a4632f3f557e76b4b70aebbca790"
_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
_ENCODING = "o200k_base"

_MESSAGE = 4  # role and separators, in every vendor's template
_PIECE = 20_000  # characters given to tiktoken at once: its time is quadratic in a long word
_MEMO = 20_000  # messages

_Counter = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class TokenCount:
    """A number of tokens and how it was found."""

    tokens: int
    basis: Basis


def estimate(text: str) -> int:
    """Return the tokens of *text* by its length: 4 characters each, 3.5 bytes if not ASCII."""
    if text.isascii():
        return -(-len(text) // 4)
    return -(-len(text.encode("utf-8", "surrogatepass")) * 2 // 7)


def image_tokens(width: int, height: int) -> int:
    """Return a fixed estimate for a picture: its pixels / 750, at least 85, at most 1,600.

    Source: Anthropic's vision guide, 2026-11; the other vendors are of the same order. Unknown
    sizes count as the most.
    """
    if width <= 0 or height <= 0:
        return 1600
    return min(max(width * height // 750, 85), 1600)


@dataclass(slots=True)
class _Counting:
    """The tokenizer in use, and what was counted with it."""

    counter: _Counter = estimate
    basis: Basis = "estimate"
    tried: bool = False
    memo: dict[str, tuple[Message, int, Basis]] = field(
        default_factory=dict[str, tuple[Message, int, Basis]]
    )
    lock: Lock = field(default_factory=Lock)


_counting = _Counting()


def count(
    messages: Sequence[Message],
    system: str = "",
    tools: Sequence[ToolSpec] = (),
    *,
    quick: bool = False,
) -> TokenCount:
    """Return the size of a request. Each message is counted once and remembered by its id.

    Until `warm_up` has found a vocabulary the answer is an estimate. With *quick* a message that
    was not counted before is estimated by its length: tokenising a long history takes seconds,
    so it belongs in a thread.
    """
    best = _counting.counter, _counting.basis
    counter, basis = (estimate, "estimate") if quick else best
    total = counter(system) + _MESSAGE if system else 0
    for tool in tools:
        total += counter(tool.name) + counter(tool.description) + counter(dumps(dict(tool.schema)))
    weakest: Basis = basis if total else best[1]
    for message in messages:
        tokens, known = _of_message(message, counter, basis)
        total += tokens
        if known == "estimate":
            weakest = "estimate"
    return TokenCount(total, weakest)


def warm_up() -> Basis:
    """Load tiktoken if its vocabulary is at hand, once; about 0.5 s, so call it in a thread."""
    with _counting.lock:
        if _counting.tried:
            return _counting.basis
        _counting.tried = True
        if not vocabulary_at_hand(os.environ):
            return _counting.basis
        counter = _tiktoken()
        if counter is not None:
            _counting.memo = {}
            _counting.counter, _counting.basis = counter, "tiktoken"
        return _counting.basis


def vocabulary_at_hand(environ: Mapping[str, str]) -> bool:
    """Whether tiktoken's vocabulary lies where it looks, with the sum it demands."""
    folder = environ.get("TIKTOKEN_CACHE_DIR", environ.get("DATA_GYM_CACHE_DIR"))
    if folder == "":
        return False  # tiktoken reads this as: no cache, always download
    path = Path(folder or Path(tempfile.gettempdir()) / "data-gym-cache") / _FILE
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == _SHA256
    except OSError:
        return False


def _tiktoken() -> _Counter | None:
    try:
        import tiktoken

        encoding = tiktoken.get_encoding(_ENCODING)
    except (ImportError, OSError, ValueError):
        return None

    def counter(text: str) -> int:
        pieces = range(0, len(text), _PIECE)
        return sum(len(encoding.encode_ordinary(text[at : at + _PIECE])) for at in pieces)

    return counter


def _of_message(message: Message, counter: _Counter, basis: Basis) -> tuple[int, Basis]:
    memo = _counting.memo
    known = memo.get(message.id)
    # A message fitted to another model keeps its id but not its parts.
    if (
        known is not None
        and (known[2] == "tiktoken" or basis == "estimate")
        and (known[0] is message or known[0].parts == message.parts)
    ):
        return known[1], known[2]
    tokens = _MESSAGE + sum(_of_part(part, counter) for part in message.parts)
    memo[message.id] = (message, tokens, basis)
    if len(memo) > _MEMO:
        del memo[next(iter(memo))]
    return tokens, basis


def _of_part(part: Part, counter: _Counter) -> int:
    match part:
        case Text(text=text) | Thinking(text=text):
            return counter(text)
        case Image(width=width, height=height):
            return image_tokens(width, height)
        case Document(text=text, data=data):
            return counter(text) if text is not None else -(-len(data) // 8)
        case ToolCall(name=name, arguments=arguments, raw=raw):
            return _MESSAGE + counter(name) + counter(raw or dumps(dict(arguments)))
        case ToolResult(parts=parts):
            return _MESSAGE + sum(_of_part(inner, counter) for inner in parts)
        case Opaque(note=note):
            return counter(note)
        case _:
            assert_never(part)


class Calibration:
    """How much each model's own counts differ from ours, learned from its last real answer."""

    def __init__(self) -> None:
        self._ratios: dict[ModelRef, float] = {}

    def learn(self, model: ModelRef, real: int, counted: int) -> None:
        """Take what *model* said the prompt was (tokens), and what `count` made of it.

        Prompts under 50 tokens teach nothing, and a ratio beyond 4 comes from something that was
        not counted.
        """
        if real >= 50 and counted >= 50 and 0.25 <= real / counted <= 4:
            self._ratios[model] = real / counted

    def known(self, model: ModelRef) -> bool:
        """Whether *model* has answered yet."""
        return model in self._ratios

    def apply(self, model: ModelRef, tokens: int) -> int:
        """Return *tokens*, counted by us, as *model* would count them."""
        return round(tokens * self._ratios.get(model, 1.0))
