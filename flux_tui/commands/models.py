"""`flux-tui models`: the models that are known, what they take and what they cost."""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from flux_tui.commands.common import complain, say, say_json, settings_of_run, table
from flux_tui.core.errors import InputError
from flux_tui.core.models import ModelInfo
from flux_tui.core.usage import JSON

if TYPE_CHECKING:
    from flux_tui.config.settings import Settings
    from flux_tui.providers.prices import Price


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage] - argparse names no public type
) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("models", help="list the models that are known")
    parser.add_argument("--provider", metavar="P", help="only of this provider")
    parser.add_argument(
        "--refresh", action="store_true", help="ask the endpoints that can be used for their lists"
    )
    parser.add_argument("--json", action="store_true", help="machine-readable")


def run(args: argparse.Namespace) -> int:
    """Print the models; return the exit status.

    Raises:
        InputError: there is no such provider.
    """
    from flux_tui.session.tariff import Tariff

    settings = settings_of_run()
    found, problems = asyncio.run(_listed(settings, args.refresh, args.provider or ""))
    for problem in problems:
        complain(problem)
    if args.provider:
        providers = dict.fromkeys(info.ref.provider for info in found)
        found = [info for info in found if info.ref.provider == args.provider]
        if not found:
            raise InputError(
                f"no models are known of a provider {args.provider!r}",
                hint=f"there are {', '.join(providers)}",
            )
    tariff = Tariff(settings.prices)
    rows = [as_json(info, tariff.price_of(info)) for info in found]
    if args.json:
        say_json(list[JSON](rows))
    else:
        header = ("model", "window", "in $/M", "out $/M", "takes", "source")
        say(table(header, [_row(row) for row in rows]))
    return 1 if problems else 0


async def _listed(
    settings: Settings, refresh: bool, provider: str
) -> tuple[list[ModelInfo], list[str]]:
    """Return the models on offer, and what went wrong while asking for them."""
    from flux_tui.session.wiring import Runtime

    runtime = Runtime(settings)
    problems: list[str] = []
    try:
        await runtime.start()
        if refresh:
            looked = await runtime.lookout.ask(provider)
            problems = [f"{one.provider}: {one.problem}" for one in looked if one.problem]
        return [choice.info for choice in runtime.choices()], problems
    finally:
        await runtime.aclose()


def as_json(info: ModelInfo, price: Price | None) -> dict[str, JSON]:
    """Return one model as the command's JSON; prices are decimal strings, US dollars per million.

    `price` is null when nothing is known; `context_window` is in tokens or null.
    """
    from flux_tui.providers.profiles import ability_names

    abilities: list[JSON] = list(ability_names(info.abilities))
    if info.thinking != "none":
        abilities.append("thinking")
    amounts = ("input", "output", "cache_read", "cache_write")
    return {
        "id": str(info.ref),
        "provider": info.ref.provider,
        "name": info.ref.name,
        "context_window": info.context_window,
        "abilities": abilities,
        "price": None
        if price is None
        else {
            **{
                name: None if (amount := getattr(price, name)) is None else str(amount)
                for name in amounts
            },
            "as_of": price.as_of,
        },
        "source": info.source,
    }


def _row(row: dict[str, JSON]) -> tuple[str, ...]:
    price = row["price"] if isinstance(row["price"], dict) else {}
    window = row["context_window"]
    abilities = row["abilities"] if isinstance(row["abilities"], list) else []
    return (
        str(row["id"]),
        f"{window:,}" if isinstance(window, int) else "?",
        str(price.get("input") or "?"),
        str(price.get("output") or "?"),
        ", ".join(name for name in map(str, abilities) if name in _SHOWN),
        str(row["source"]),
    )


_SHOWN = ("images", "documents", "tools", "thinking")
