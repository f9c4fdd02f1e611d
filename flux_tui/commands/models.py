"""`flux-tui models`: the models that are known, what they take and what they cost."""

from __future__ import annotations

import argparse

from flux_tui.commands.common import say, say_json, settings_of_run, table
from flux_tui.core.errors import InputError
from flux_tui.core.models import ModelInfo
from flux_tui.core.usage import JSON


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage] - argparse names no public type
) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("models", help="list the models that are known")
    parser.add_argument("--provider", metavar="P", help="only of this provider")
    parser.add_argument("--json", action="store_true", help="machine-readable")


def run(args: argparse.Namespace) -> int:
    """Print the models; return the exit status.

    Raises:
        InputError: there is no such provider.
    """
    from flux_tui.session.choices import Catalog, is_demo

    settings = settings_of_run()
    choices = Catalog(settings, demo=is_demo(settings)).choices()
    found = [choice.info for choice in choices]
    if args.provider:
        providers = dict.fromkeys(info.ref.provider for info in found)
        found = [info for info in found if info.ref.provider == args.provider]
        if not found:
            raise InputError(
                f"no models are known of a provider {args.provider!r}",
                hint=f"there are {', '.join(providers)}",
            )
    rows = [as_json(info) for info in found]
    if args.json:
        say_json(list[JSON](rows))
        return 0
    header = ("model", "window", "in $/M", "out $/M", "takes", "source")
    say(table(header, [_row(row) for row in rows]))
    return 0


def as_json(info: ModelInfo) -> dict[str, JSON]:
    """Return one model as the command's JSON; prices are decimal strings, US dollars per million.

    `price` is null when nothing is known; `context_window` is in tokens or null.
    """
    from flux_tui.providers.prices import price_of
    from flux_tui.providers.profiles import ability_names

    price = price_of(info)
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
