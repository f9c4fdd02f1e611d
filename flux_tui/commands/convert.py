"""`flux-tui convert`: a conversation from one wire format to another, without a network."""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from flux_tui.commands.documents import FORMATS, load_json, read_document
from flux_tui.core.errors import InputError

if TYPE_CHECKING:
    from flux_tui.core.messages import Message
    from flux_tui.core.models import Api, ModelInfo
    from flux_tui.core.usage import JSON
    from flux_tui.providers.ingest import Ingested


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage] - argparse names no public type
) -> None:
    """Add the command's options."""
    parser = subparsers.add_parser(
        "convert",
        help="convert a conversation between vendors' formats",
        description=(
            "Convert a request body, or its list of messages, to another vendor's format. "
            "The body goes to standard output, what it cost to standard error."
        ),
    )
    parser.add_argument("--from", dest="source", choices=FORMATS, required=True, help="its format")
    parser.add_argument("--to", dest="target", choices=FORMATS, required=True, help="the new one")
    # Without a default, so that an option before the command's name is not overwritten.
    parser.add_argument(
        "-m",
        "--model",
        metavar="P/M",
        default=argparse.SUPPRESS,
        help="the model the new body is for",
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help="the document; else standard input")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Convert, and return the exit status.

    Raises:
        InputError: the input cannot be read, or breaks its format.
    """
    with _uncollected():
        body, lines = _convert(args)
        text = _pretty(body)
    # Bytes: the terminal's encoding must not change a document.
    sys.stdout.buffer.write(f"{text}\n".encode())
    sys.stdout.buffer.flush()
    for line in lines:
        sys.stderr.write(f"{line}\n")
    return 0


@contextmanager
def _uncollected() -> Generator[None]:
    """Look for no garbage meanwhile.

    All that a conversion makes is in use until its end, and none of it is a cycle. Of a hundred
    thousand messages the search walks millions of objects again and again, and finds nothing.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _pretty(body: dict[str, JSON]) -> str:
    text = json.dumps(body, ensure_ascii=False, indent=2)
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which only an escape can carry
        return json.dumps(body, indent=2)
    return text


def _convert(args: argparse.Namespace) -> tuple[dict[str, JSON], list[str]]:
    from flux_tui.core.codec import dump_conversation
    from flux_tui.core.normalize import normalize

    read = read_document(load_json(args.file), args.source)
    if args.target == "flux":
        return dump_conversation(read.conversation), list(read.notes)
    model = _model(getattr(args, "model", None), args.target)
    messages, report = normalize(read.conversation.path, model)
    if not messages:
        raise InputError("the conversation holds no messages")
    lines = [line for line in (*read.notes, report.summary()) if line]
    return _encode(model, messages, read), lines or ["nothing was lost"]


def _model(name: str | None, target: str) -> ModelInfo:
    from flux_tui.core.models import ModelRef
    from flux_tui.providers.profiles import bundled, describe
    from flux_tui.providers.registry import PROVIDERS

    api = cast("Api", target)  # argparse lets no other format through
    provider = next(spec for spec in PROVIDERS.values() if spec.api == api)
    ref = ModelRef.parse(name) if name else ModelRef(provider.id, bundled(provider.id)[0])
    spec = PROVIDERS.get(ref.provider, provider)
    if spec.api != api:
        raise InputError(
            f"{ref} does not speak {target}", hint=f"write --model {provider.id}/{ref.name}"
        )
    return describe(ref, api, spec.base_url)


def _encode(model: ModelInfo, messages: tuple[Message, ...], read: Ingested) -> dict[str, JSON]:
    from flux_tui.providers.base import ChatRequest, Endpoint
    from flux_tui.providers.registry import make_provider

    provider = model.ref.provider
    endpoint = Endpoint(provider=provider, label=provider, api=model.api, base_url=model.base_url)
    request = ChatRequest(
        model=model,
        messages=messages,
        system=read.conversation.system,
        tools=read.tools,
    )
    return make_provider(endpoint).body(request)
