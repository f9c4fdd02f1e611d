"""Which models there are to choose from, and how a name finds its model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from flux_tui.config.keys import has_key
from flux_tui.config.models import ModelOverride
from flux_tui.config.settings import Settings
from flux_tui.core.errors import ConfigError, InputError
from flux_tui.core.models import Api, ModelInfo, ModelRef, ThinkingStyle
from flux_tui.core.near import did_you_mean
from flux_tui.core.sanitize import one_line
from flux_tui.core.usage import JSON
from flux_tui.providers.profiles import bundled, describe
from flux_tui.providers.registry import PROVIDERS
from flux_tui.session.listings import USUAL_PORTS, LocalServer, ModelLists, local_url

SIMULATOR_URLS: dict[Api, str] = {
    "anthropic": "http://simulator.invalid/anthropic",
    "openai-responses": "http://simulator.invalid/openai/v1",
    "openai-chat": "http://simulator.invalid/openai/v1",
    "gemini": "http://simulator.invalid/gemini",
    "mistral": "http://simulator.invalid/mistral/v1",
    "cohere": "http://simulator.invalid/cohere/v2",
}


# How a vendor's newest models are asked to think; the others take a level.
_STYLES: dict[Api, ThinkingStyle] = {"anthropic": "adaptive", "cohere": "budget"}

# The older API of a vendor that is there already: its models would stand in every list twice.
_SAME_MODELS = frozenset({"openai-chat"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A provider as it is set up: the registry's row with the user's settings over it."""

    id: str
    label: str
    api: Api
    base_url: str
    key_names: tuple[str, ...] = ()
    needs_key: bool = True
    models: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    options: Mapping[str, JSON] = field(default_factory=dict[str, JSON])
    local: bool = False  # on this machine, not set up by the user
    listed: bool = True  # its models are offered; else they can only be named


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model on offer. `why` says what is missing when it is not available."""

    info: ModelInfo
    available: bool
    why: str
    favourite: bool


def sources(settings: Settings) -> dict[str, Source]:
    """Return all providers by id: built-in, the user's own, the usual servers of this machine."""
    found: dict[str, Source] = {}
    for spec in PROVIDERS.values():
        own = settings.providers.get(spec.id)
        found[spec.id] = Source(
            id=spec.id,
            label=(own.label if own is not None else "") or spec.label,
            api=spec.api,
            base_url=settings.base_url(spec.id, spec.base_url_name, spec.base_url),
            key_names=_key_names(own.key_name if own is not None else "", spec.key_names),
            models=_merged(own.models if own is not None else (), bundled(spec.id)),
            headers=own.headers if own is not None else {},
            options=own.options if own is not None else {},
            listed=spec.id not in _SAME_MODELS or own is not None or settings.provider == spec.id,
        )
    for own in settings.providers.values():
        if own.id not in found:
            found[own.id] = Source(
                id=own.id,
                label=own.label or own.id,
                api=own.api,
                base_url=own.base_url,
                key_names=_key_names(own.key_name, ()),
                needs_key=bool(own.key_name or own.key_command or own.keyring),
                models=_merged(own.models, bundled(own.id)),
                headers=own.headers,
                options=own.options,
            )
    for port, (name, label) in USUAL_PORTS.items():
        if name not in found:
            # Without models until it was seen to answer, but its models can be named at any time.
            found[name] = Source(
                id=name,
                label=label,
                api="openai-chat",
                base_url=local_url(port),
                needs_key=False,
                local=True,
            )
    return found


def is_demo(settings: Settings) -> bool:
    """Whether the simulator answers: it was asked for, or there is no key and no own server."""
    if settings.demo:
        return True
    if any(name not in PROVIDERS for name in settings.providers):
        return False
    return not any(has_key(settings, spec.id, spec.key_names) for spec in PROVIDERS.values())


class Catalog:
    """All models on offer, in the order of their providers, favourites first."""

    def __init__(self, settings: Settings, *, demo: bool, lists: ModelLists | None = None) -> None:
        """Know the bundled names and those in *lists*; see `add_local` for this machine's."""
        self.favourites = settings.favourites
        self._lists = lists
        self._settings = settings
        self._demo = demo
        self._sources = sources(settings)

    def source(self, provider: str) -> Source:
        """Return a provider's set-up.

        Raises:
            InputError: there is none of that id; near ones are told.
        """
        found = self._sources.get(provider)
        if found is None:
            raise InputError(
                f"there is no provider {provider!r}", hint=_near(provider, list(self._sources))
            )
        return found

    def sources(self) -> tuple[Source, ...]:
        """Return all providers, in their order."""
        return tuple(self._sources.values())

    def add_local(self, servers: Iterable[LocalServer]) -> bool:
        """Offer the models of servers found on this machine; say whether any is new."""
        before = dict(self._sources)
        for server in servers:
            source = self._sources.get(server.id)
            if source is not None and source.local:
                self._sources[server.id] = replace(source, models=server.models)
        return self._sources != before

    def choices(self) -> tuple[ModelChoice, ...]:
        """Return the models that are known by name."""
        refs = [ref for source in self._sources.values() for ref in self._refs(source)]
        starred = [ref for ref in self._favourite_refs() if ref.provider in self._sources]
        rest = [ref for ref in refs if ref not in starred]
        return tuple(
            ModelChoice(self.describe(ref), not (why := self._missing(ref)), why, ref in starred)
            for ref in (*starred, *rest)
        )

    def _refs(self, source: Source) -> Iterator[ModelRef]:
        if not source.listed:
            return iter(())
        listed = () if self._lists is None else self._lists.names(source.id, source.base_url)
        return (ModelRef(source.id, name) for name in _merged(source.models, listed))

    def _favourite_refs(self) -> list[ModelRef]:
        return [ModelRef.parse(name) for name in self.favourites if "/" in name.strip("/ ")]

    def _missing(self, ref: ModelRef) -> str:
        """Return what is missing to use a model; nothing if it can be used."""
        source = self._sources[ref.provider]
        if self._demo:
            known = source.local or source.api in SIMULATOR_URLS
            return "" if known else f"the simulator does not speak {source.api}"
        if not source.needs_key:
            return ""
        if has_key(self._settings, source.id, source.key_names):
            return ""
        return f"no key: set {source.key_names[0]}" if source.key_names else "no key"

    def describe(self, ref: ModelRef) -> ModelInfo:
        """Return what is known of a model, at its provider's endpoint or the simulator.

        Raises:
            InputError: there is no such provider.
        """
        source = self.source(ref.provider)
        simulated = self._demo and not source.local
        simulator = SIMULATOR_URLS.get(source.api, "http://simulator.invalid")
        base_url = simulator if simulated else source.base_url
        info = describe(ref, source.api, base_url, simulated=simulated)
        own = self._settings.models.get(str(ref))
        return info if own is None else _as_the_user_says(info, own)

    def larger(self, model: ModelInfo) -> tuple[ModelRef, ...]:
        """Return up to three usable models with a larger window than *model*, largest first."""
        window = model.context_window or 0
        found = [
            choice.info
            for choice in self.choices()
            if choice.available and (choice.info.context_window or 0) > window
        ]
        found.sort(key=lambda info: info.context_window or 0, reverse=True)
        return tuple(dict.fromkeys(info.ref for info in found))[:3]

    def find(self, text: str) -> ModelInfo:
        """Return the model that *text* names; see `Runtime.find_model`."""
        wanted = text.strip()
        if not wanted.isprintable():
            raise InputError(f"{one_line(text)!r} is not the name of a model")
        provider, _, name = wanted.partition("/")
        if name and provider in self._sources:
            return self.describe(ModelRef(provider, name))
        known = [ref for source in self._sources.values() for ref in self._refs(source)]
        for ref in known:
            if ref.name == wanted:
                return self.describe(ref)
        if wanted and not name and self._settings.provider:
            return self.describe(ModelRef(self._settings.provider, wanted))
        names = [str(ref) for ref in known] + [ref.name for ref in known]
        hint = _near(wanted, names) if not name else _near(wanted, [*names, *self._sources])
        raise InputError(f"there is no model {text!r}", hint=hint)

    def default(self, last: str) -> ModelInfo:
        """Return the model to begin with; *last* is the one used last, or empty."""
        settings = self._settings
        if settings.model:
            try:
                return self.find(settings.model)
            except InputError as wrong:
                place = settings.model_place
                raise ConfigError(
                    wrong.message, place=place, key="model", hint=wrong.hint
                ) from None
        usable = [choice for choice in self.choices() if choice.available]
        if settings.provider:
            mine = [c for c in self.choices() if c.info.ref.provider == settings.provider]
            usable = [c for c in mine if c.available] or mine or usable
        for choice in usable:
            if str(choice.info.ref) == last:
                return choice.info
        # The built-in providers always have names to offer, with or without a key.
        return (usable or self.choices())[0].info


def _as_the_user_says(info: ModelInfo, own: ModelOverride) -> ModelInfo:
    """Return *info* with the user's facts over the table's."""
    asked = bool(own.efforts) and info.thinking == "none"  # levels, but nobody told how to ask
    return replace(
        info,
        context_window=own.context_window or info.context_window,
        max_output=own.max_output or info.max_output,
        efforts=info.efforts if own.efforts is None else own.efforts,
        thinking=_STYLES.get(info.api, "effort") if asked else info.thinking,
        abilities=replace(info.abilities, **own.abilities()),
        source="user",
    )


def _key_names(own: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return (own, *(name for name in names if name != own)) if own else names


def _merged(own: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*own, *known)))


def _near(wanted: str, names: list[str]) -> str:
    if found := did_you_mean(wanted, names):
        return found
    return f"there are: {', '.join(names[:8])}" if names else "name it as provider/model"
