"""Looks for models: asks the endpoints that have a key, and this machine's usual ports."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from flux_tui.config.keys import has_key
from flux_tui.config.settings import Settings
from flux_tui.core.errors import FluxError
from flux_tui.core.models import ModelInfo, ModelRef
from flux_tui.providers.base import Provider
from flux_tui.session.choices import Catalog, Source
from flux_tui.session.listings import LocalServer, ModelLists, find_local

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of asking one endpoint: how many models it lists, or why it told nothing."""

    provider: str
    models: int
    problem: str = ""


class Lookout:
    """Finds the models on offer beyond those that are bundled."""

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog,
        lists: ModelLists,
        open_provider: Callable[[ModelInfo], Awaitable[Provider]],
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._lists = lists
        self._open = open_provider

    async def quietly(self) -> bool:
        """Ask this machine, and endpoints whose list is a day old; whether a model is new.

        Never raises and never runs a key command: nobody asked for this.
        """
        if self._settings.demo:
            return False
        before = self._names()
        await self.local()
        own = [source for source in self._catalog.sources() if not source.local]
        stale = [
            source
            for source in own
            if source.listed
            and self._has_key_at_hand(source)
            and not self._lists.is_fresh(source.id, source.base_url)
        ]
        for looked in await self._ask_all(stale):
            if looked.problem:
                _log.info("no list of models from %s: %s", looked.provider, looked.problem)
        return self._names() != before

    async def local(self) -> tuple[LocalServer, ...]:
        """Ask this machine's usual ports, offer what answers, and return it. Never raises."""
        own = [source for source in self._catalog.sources() if not source.local]
        servers = await find_local(taken=[source.base_url for source in own])
        self._catalog.add_local(servers)
        return servers

    async def ask(self, provider: str = "") -> list[Looked]:
        """Ask every endpoint that can be used, or the one named, for its models now.

        Raises:
            InputError: there is no such provider.
        """
        if provider:
            return await self._ask_all([self._catalog.source(provider)])
        wanted = [one for one in self._catalog.sources() if one.listed and not one.local]
        own = self._settings.providers
        return await self._ask_all(
            [
                source
                for source in wanted
                if not source.needs_key
                or has_key(self._settings, source.id, source.key_names)
                or source.id in own
            ]
        )

    def _names(self) -> list[ModelRef]:
        return [choice.info.ref for choice in self._catalog.choices()]

    def _has_key_at_hand(self, source: Source) -> bool:
        own = self._settings.providers.get(source.id)
        if own is not None and own.key_command:
            return False
        return not source.needs_key or has_key(self._settings, source.id, source.key_names)

    async def _ask_all(self, wanted: list[Source]) -> list[Looked]:
        found = await asyncio.gather(*(self._ask_one(source) for source in wanted))
        if any(not looked.problem for looked in found):
            try:
                await asyncio.to_thread(self._lists.save)
            except OSError as problem:
                _log.info("lists of models are not kept: %s", problem.strerror)
        return found

    async def _ask_one(self, source: Source) -> Looked:
        # Any model of the endpoint opens it; the list does not depend on which.
        name = source.models[0] if source.models else "any"
        try:
            model = self._catalog.describe(ModelRef(source.id, name))
            if model.simulated:
                return Looked(source.id, 0, "the simulator stands in for it")
            provider = await self._open(model)
            names = self._lists.keep(source.id, source.base_url, await provider.models())
        except FluxError as problem:
            return Looked(source.id, 0, str(problem))
        return Looked(source.id, len(names))
