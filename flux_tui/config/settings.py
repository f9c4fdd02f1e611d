"""The settings of one run: command line, environment, `.env`, `config.toml`, defaults.

Known names in `.env` are read from the working directory. A base URL or a tool permission from
there counts only after the user has trusted that folder: a hostile repository must not send a
user's key elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Literal, TypeAlias, cast

from flux_tui.config.endpoints import (
    API_OF,
    LOCAL_IDS,
    ProviderSettings,
    check_url,
    read_providers,
)
from flux_tui.config.envfile import EnvFile, read_env_file
from flux_tui.config.models import ModelOverride, PriceOverride, read_models, read_prices
from flux_tui.config.paths import Paths, find_paths
from flux_tui.config.tables import Table, number_wanted, one_of, read_toml
from flux_tui.config.themes import THEMES
from flux_tui.config.trust import trusted
from flux_tui.core.efforts import EFFORTS, Effort
from flux_tui.core.errors import ConfigError, Place
from flux_tui.core.near import did_you_mean
from flux_tui.core.usage import Budgets
from flux_tui.core.vendors import PROVIDERS

Approval: TypeAlias = Literal["ask", "read", "all", "none"]
"""Which tool calls run without a question: none, those that only read, all; "none" refuses all."""

ToolsMode: TypeAlias = Literal["none", "read", "all"]
"""Which tools a model is offered."""

APPROVALS: tuple[Approval, ...] = ("ask", "read", "all", "none")
TOOLS_MODES: tuple[ToolsMode, ...] = ("none", "read", "all")

KEY_NAMES = tuple(dict.fromkeys(name for spec in PROVIDERS.values() for name in spec.key_names))
URL_NAMES = tuple(dict.fromkeys(spec.base_url_name for spec in PROVIDERS.values()))
_FLUX_NAMES = {
    "model": "FLUX_MODEL",
    "provider": "FLUX_PROVIDER",
    "theme": "FLUX_THEME",
    "effort": "FLUX_EFFORT",
    "approval": "FLUX_APPROVAL",
    "tools": "FLUX_TOOLS",
    "temperature": "FLUX_TEMPERATURE",
    "max_output": "FLUX_MAX_OUTPUT",
    "demo": "FLUX_DEMO",
    "sim_speed": "FLUX_SIM_SPEED",
    "cursor_blink": "FLUX_CURSOR_BLINK",
}
_NEED_TRUST = frozenset({*URL_NAMES, "FLUX_APPROVAL", "FLUX_TOOLS"})
_FLAGS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}


class Sealed:
    """A secret that no repr, log or traceback shows; `reveal` gives it to the one who needs it."""

    __slots__ = ("_value", "place")

    def __init__(self, value: str, place: Place) -> None:
        self._value = value
        self.place = place

    def __repr__(self) -> str:
        return "Sealed(**********)"

    def reveal(self) -> str:
        """Return the secret."""
        return self._value


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, checked. `variables` are the base URLs that were set, by variable name.

    `sim_speed` is in tokens per second, None for the simulator's own; `warnings` are sentences
    for the user. `model` is "provider/name" or a bare name. `prices` and `models` hold what the
    user knows better than the bundled tables, by "provider/name". `model_place` is where `model`
    was set.
    """

    paths: Paths
    provider: str | None = None
    model: str | None = None
    model_place: Place = Place("")  # noqa: RUF009 - frozen
    favourites: tuple[str, ...] = ()
    theme: str = ""
    providers: Mapping[str, ProviderSettings] = field(default_factory=dict[str, ProviderSettings])
    prices: Mapping[str, PriceOverride] = field(default_factory=dict[str, PriceOverride])
    models: Mapping[str, ModelOverride] = field(default_factory=dict[str, ModelOverride])
    keys: Mapping[str, Sealed] = field(default_factory=dict[str, Sealed], repr=False)
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    keymap: Mapping[str, str] = field(default_factory=dict[str, str])
    keymap_places: Mapping[str, Place] = field(default_factory=dict[str, Place])
    tools_mode: ToolsMode = "all"
    approval: Approval = "ask"
    temperature: float | None = None
    effort: Effort | None = None
    max_output: int | None = None
    budgets: Budgets = field(default_factory=Budgets)
    demo: bool = False
    sim_speed: float | None = None
    no_color: bool = False
    cursor_blink: bool = True
    warnings: tuple[str, ...] = ()

    def base_url(self, provider: str, name: str, default: str) -> str:
        """Return a built-in provider's base URL: variable *name*, the file, or *default*."""
        if name in self.variables:
            return self.variables[name]
        own = self.providers.get(provider)
        return own.base_url if own is not None and own.base_url else default


def load_settings(overrides: Mapping[str, str], environ: Mapping[str, str], cwd: Path) -> Settings:
    """Return the settings of this run.

    *overrides* come from the command line; names are those of `config.toml`, and "tools", "demo"
    ("1" or "0") and "sim_speed". *environ* is the process environment, *cwd* the folder whose
    `.env` is read.

    Raises:
        ConfigError: a value is wrong; the sentence names place, key and what is accepted.
    """
    paths = find_paths(environ)
    file = read_toml(paths.config_file)
    warnings: list[str] = []
    providers = read_providers(file.table("providers"), warnings)
    key_names = {*KEY_NAMES, *(item.key_name for item in providers.values() if item.key_name)}
    known = key_names | {*URL_NAMES, *_FLUX_NAMES.values(), "NO_COLOR"}
    env_file = read_env_file(cwd / ".env", known)
    source = _Sources(overrides, environ, _judged(env_file, cwd, paths, warnings), file)
    effort = source.choice("effort", EFFORTS)
    approval = source.choice("approval", APPROVALS)
    tools = source.choice("tools", TOOLS_MODES)
    max_output = source.number("max_output", 1, 10_000_000, whole=True)
    keymap = file.table("keys")
    settings = Settings(
        paths=paths,
        provider=source.text("provider"),
        model=source.text("model"),
        model_place=source.place("model"),
        favourites=file.texts("favourites") or (),
        theme=source.choice("theme", THEMES) or "",
        providers=providers,
        prices=read_prices(file.table("prices"), warnings),
        models=read_models(file.table("models"), warnings),
        keys={name: key for name in sorted(key_names) if (key := source.secret(name))},
        variables=source.urls(warnings),
        keymap=keymap.text_pairs(),
        keymap_places={name: keymap.place(name) for name in keymap.names()},
        tools_mode=cast("ToolsMode", tools or "all"),  # `choice` accepts these alone
        approval=cast("Approval", approval or "ask"),
        temperature=source.number("temperature", 0, 2),
        effort=cast("Effort | None", effort),
        max_output=int(max_output) if max_output is not None else None,
        budgets=_budgets(file.table("budget"), warnings),
        demo=source.flag("demo"),
        sim_speed=source.number("sim_speed", 0, 1_000_000),
        cursor_blink=source.flag("cursor_blink", default=True),
        no_color=bool(source.variable("NO_COLOR")),
        warnings=(*warnings, *file.unknown()),
    )
    _check_provider(settings, source)
    _check_models(settings, file)
    return settings


def _budgets(table: Table, warnings: list[str]) -> Budgets:
    """Return the limits of the table, US dollars."""

    def dollars(key: str) -> Decimal | None:
        amount = table.number(key, 0, 1_000_000)
        return None if amount is None else Decimal(str(amount))

    found = Budgets(
        turn=dollars("turn"),
        session=dollars("session"),
        day=dollars("day"),
        month=dollars("month"),
    )
    warnings.extend(table.unknown())
    return found


def _judged(found: EnvFile, cwd: Path, paths: Paths, warnings: list[str]) -> EnvFile:
    """Return *found* without what its folder is not trusted to say."""
    warnings.extend(found.warnings)
    risky = sorted(_NEED_TRUST & found.values.keys())
    if not risky or trusted(cwd, paths):
        return found
    warnings.extend(
        f"{Place(str(found.path), found.lines[name])}: {name} is ignored because this folder is "
        "not trusted; read the file, then run: flux-tui doctor --trust"
        for name in risky
    )
    kept = {name: value for name, value in found.values.items() if name not in _NEED_TRUST}
    return EnvFile(found.path, kept, found.lines, found.warnings)


@dataclass(frozen=True, slots=True)
class _Sources:
    """The four places a setting may come from, strongest first."""

    overrides: Mapping[str, str] = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)
    env_file: EnvFile
    file: Table

    def variable(self, name: str) -> tuple[str, Place] | None:
        """Return a variable that is set and not empty, and where."""
        if value := self.environ.get(name, "").strip():
            return value, Place(f"environment variable {name}")
        if value := self.env_file.values.get(name, "").strip():
            return value, Place(str(self.env_file.path), self.env_file.lines[name])
        return None

    def outside(self, key: str) -> tuple[str, Place] | None:
        """Return a setting from the command line or a variable."""
        if value := self.overrides.get(key, "").strip():
            return value, Place(f"--{key.replace('_', '-')}")
        return self.variable(_FLUX_NAMES[key])

    def place(self, key: str) -> Place:
        """Return where a setting comes from, or where it would stand in the file."""
        found = self.outside(key)
        return found[1] if found else self.file.place(key)

    def text(self, key: str) -> str | None:
        in_file = self.file.text(key)
        found = self.outside(key)
        return found[0] if found else in_file

    def choice(self, key: str, accepted: tuple[str, ...]) -> str | None:
        in_file = self.file.choice(key, accepted)
        found = self.outside(key)
        return one_of(found[0], accepted, found[1], key) if found else in_file

    def number(self, key: str, low: float, high: float, *, whole: bool = False) -> float | None:
        in_file = self.file.number(key, low, high, whole=whole)
        found = self.outside(key)
        if found is None:
            return in_file
        value, place = found
        try:
            number = int(value) if whole else float(value)
        except ValueError:
            number = None
        if number is None or not low <= number <= high:
            message = f"{number_wanted(low, high, whole=whole)}, not {value!r}"
            raise ConfigError(message, place=place, key=key)
        return number

    def flag(self, key: str, *, default: bool = False) -> bool:
        in_file = self.file.flag(key)
        found = self.outside(key)
        if found is None:
            return default if in_file is None else in_file
        value, place = found
        if value.lower() not in _FLAGS:
            raise ConfigError(f"must be 1 or 0, not {value!r}", place=place, key=key)
        return _FLAGS[value.lower()]

    def secret(self, name: str) -> Sealed | None:
        found = self.variable(name)
        return Sealed(found[0], found[1]) if found else None

    def urls(self, warnings: list[str]) -> dict[str, str]:
        result: dict[str, str] = {}
        for name in URL_NAMES:
            if found := self.variable(name):
                result[name] = check_url(found[0], found[1], "base_url", warnings)
        return result


def _check_provider(settings: Settings, source: _Sources) -> None:
    if settings.provider is None:
        return
    accepted = (*API_OF, *(name for name in settings.providers if name not in API_OF))
    one_of(settings.provider, accepted, source.place("provider"), "provider")


def _check_models(settings: Settings, file: Table) -> None:
    """Refuse names of models that no provider can be found for; a bare `model` is looked up later.

    Raises:
        ConfigError: the provider does not exist, or no name follows it.
    """
    names = [("favourites", file.place("favourites"), name) for name in settings.favourites]
    if settings.model and "/" in settings.model:
        names.append(("model", settings.model_place, settings.model))
    known = tuple(dict.fromkeys((*API_OF, *settings.providers, *LOCAL_IDS)))
    for key, place, text in names:
        provider, slash, name = text.strip().partition("/")
        if not (slash and name):
            message, hint = f"{text!r} is not the name of a model", "write provider/name"
        elif provider not in known:
            message = f"{text!r}: there is no provider {provider!r}"
            hint = did_you_mean(provider, known) or f"there are {', '.join(known)}"
        else:
            continue
        raise ConfigError(message, place=place, key=key, hint=hint)
