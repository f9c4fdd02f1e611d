"""What a user knows better than the bundled tables: `[prices."P/M"]` and `[models."P/M"]`."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from flux_tui.config.tables import Table
from flux_tui.core.efforts import EFFORTS, Effort

PRICES = ("input", "output", "cache_read", "cache_write")
FLAGS = ("images", "documents", "tools", "tool_result_images", "sampling", "forced_tool_choice")

_DEAREST = Decimal(1_000_000)  # US dollars per million tokens: a dollar a token
_LARGEST = 1_000_000_000  # tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceOverride:
    """US dollars per million tokens, as a user set them; None where nothing was said."""

    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOverride:
    """Facts of one model, as a user set them; None where nothing was said. Limits in tokens.

    The truth values bear the names of `core.models.Abilities`.
    """

    context_window: int | None = None
    max_output: int | None = None
    images: bool | None = None
    documents: bool | None = None
    tools: bool | None = None
    tool_result_images: bool | None = None
    sampling: bool | None = None
    forced_tool_choice: bool | None = None
    efforts: tuple[Effort, ...] | None = None  # lowest first

    def abilities(self) -> dict[str, bool]:
        """Return the abilities that were set, by name."""
        return {name: value for name in FLAGS if (value := getattr(self, name)) is not None}


def read_prices(table: Table, warnings: list[str]) -> dict[str, PriceOverride]:
    """Return the prices by `provider/model`.

    Raises:
        ConfigError: a name or an amount is wrong.
    """
    found: dict[str, PriceOverride] = {}
    for name in table.names():
        row = _row(table, name, "prices")
        amounts = {key: _amount(row, key) for key in PRICES}
        if amounts["input"] is None and amounts["output"] is None:
            raise table.wrong(name, "says neither input nor output", f"set {', '.join(PRICES)}")
        found[name] = PriceOverride(**amounts)
        warnings.extend(row.unknown())
    return found


def read_models(table: Table, warnings: list[str]) -> dict[str, ModelOverride]:
    """Return the facts by `provider/model`.

    Raises:
        ConfigError: a name or a value is wrong.
    """
    found: dict[str, ModelOverride] = {}
    for name in table.names():
        row = _row(table, name, "models")
        found[name] = ModelOverride(
            context_window=_tokens(row, "context_window"),
            max_output=_tokens(row, "max_output"),
            efforts=_efforts(row),
            **{key: row.flag(key) for key in FLAGS},
        )
        warnings.extend(row.unknown())
    return found


def _row(table: Table, name: str, where: str) -> Table:
    provider, slash, model = name.partition("/")
    if not (slash and provider and model):
        hint = f'write [{where}."provider/model"], with the quotes'
        raise table.wrong(name, "is not the name of a model", hint)
    return table.table(name)


def _amount(row: Table, key: str) -> Decimal | None:
    value = row.get(key)
    if value is None:
        return None
    try:
        # By way of its shortest text: 0.1 in the file is a tenth, not the nearest binary fraction.
        amount = Decimal(-1) if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        amount = Decimal(-1)
    if not (amount.is_finite() and 0 <= amount <= _DEAREST):
        raise row.wrong(
            key, f"must be US dollars per million tokens, from 0 to {_DEAREST:,}", "write e.g. 2.5"
        )
    return amount


def _tokens(row: Table, key: str) -> int | None:
    number = row.number(key, 1, _LARGEST, whole=True)
    return None if number is None else int(number)


def _efforts(row: Table) -> tuple[Effort, ...] | None:
    words = row.texts("efforts")
    if words is None:
        return None
    wrong = [word for word in words if word not in EFFORTS]
    if wrong:
        raise row.wrong("efforts", f"{wrong[0]!r} is not one of {', '.join(EFFORTS)}")
    return tuple(level for level in EFFORTS if level in words)
