"""The only composition root: settings in, providers, tools, store and sessions out."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from flux_tui.config.keys import find_key
from flux_tui.config.settings import Settings
from flux_tui.core.errors import InputError, StoreError
from flux_tui.core.messages import Conversation, Message
from flux_tui.core.models import EFFORTS, Effort, ModelInfo, ModelRef
from flux_tui.core.notices import Notice
from flux_tui.providers import tokens
from flux_tui.providers.base import Endpoint, Provider
from flux_tui.providers.registry import make_provider
from flux_tui.session.approvals import ApprovalPolicy
from flux_tui.session.choices import Catalog, ModelChoice, is_demo
from flux_tui.session.ledger import CostLedger, Spending, start_of_month
from flux_tui.session.listings import ModelLists
from flux_tui.session.lookout import Lookout
from flux_tui.session.meter import Meter
from flux_tui.session.privacy import Privacy, state_key
from flux_tui.session.prompts import read_notes
from flux_tui.session.services import Services
from flux_tui.session.session import ChatSession
from flux_tui.session.tariff import Tariff
from flux_tui.storage.safe import SafeStore
from flux_tui.tools.base import Tool
from flux_tui.tools.registry import builtin_tools

LISTS_NAME = "models.json"
SIMULATOR_KEY = "sk-simulator"  # opens nothing
CACHE_MINIMUM = 256  # tokens; low enough that a short demo shows what a cache does
_FAVOURITES = "favourites"
_LAST_MODEL = "last_model"
_EFFORTS = "efforts"

_log = logging.getLogger(__name__)


class Runtime:
    """Everything a front end needs, made from settings. Call `start` before anything else.

    `demo` says that the built-in simulator answers: wished for, or no key and no own server.
    """

    def __init__(self, settings: Settings, *, root: Path | None = None) -> None:
        """Make nothing yet; *root* is the folder that tools work in, the current one by default."""
        self.settings = settings
        self.demo = is_demo(settings)
        self.root = (root or Path.cwd()).resolve()
        self.tools: dict[str, Tool] = builtin_tools()
        self.store: SafeStore = SafeStore(settings.paths.database)
        self._lists = ModelLists(settings.paths.cache_dir / LISTS_NAME)
        self.catalog = Catalog(settings, demo=self.demo, lists=self._lists)
        self.lookout = Lookout(settings, self.catalog, self._lists, self.open_provider)
        self._last_model = ""
        self._efforts: dict[str, Effort] = {}
        self.tariff = Tariff(settings.prices)
        self._meter = Meter(tokens.count, tokens.Calibration())
        self._spending = Spending(simulated=self.demo)
        self._pool: dict[tuple[str, str, str], Provider] = {}
        self._opening = asyncio.Lock()
        self._simulator: object | None = None
        self._told = ""

    async def start(self) -> list[str]:
        """Open the store and read what was remembered; return notices for the user.

        A store that cannot be opened works in memory.
        """
        notices = list(self.settings.warnings)
        await asyncio.to_thread(self._lists.load)
        health = await self.store.health()
        notices += [health.notice] if health.notice else []
        self._told = self.store.problem
        await self._remembered()
        if self.demo:
            notices.append("The built-in simulator answers; no key is used, nothing is spent.")
        return notices

    async def _remembered(self) -> None:
        self._last_model = await self.store.get_state(_LAST_MODEL) or ""
        saved = await self.store.get_state(_FAVOURITES)
        if saved is not None:
            self.catalog.favourites = _texts(saved)
        for text in _texts(await self.store.get_state(_EFFORTS) or "[]"):
            name, _, level = text.rpartition(" ")
            effort: Effort | None = next((one for one in EFFORTS if one == level), None)
            if effort is not None:
                self._efforts[name] = effort
        self._spending.load(await self.store.spent(start_of_month()))

    def _news(self) -> str:
        """Return what has happened to the store, the first time it is asked for."""
        problem = self.store.problem
        if problem == self._told:
            return ""
        self._told = problem
        return problem

    def secrets(self) -> tuple[str, ...]:
        """Return the keys this process knows, to strike them from reports and exports.

        They are those of the settings, and of the connections opened so far: a key that comes
        from a command or the keyring is fetched for nothing else.
        """
        found = [sealed.reveal() for sealed in self.settings.keys.values()]
        for provider in self._pool.values():
            endpoint = provider.endpoint
            found.extend(endpoint.headers.values())
            if endpoint.key is not None and endpoint.transport is None:
                found.append(endpoint.key.get_secret_value())
        return tuple(dict.fromkeys(secret for secret in found if secret.strip()))

    def choices(self) -> tuple[ModelChoice, ...]:
        """Return all models on offer, by provider, favourites first."""
        return self.catalog.choices()

    def find_model(self, text: str) -> ModelInfo:
        """Return the model that *text* names: "provider/name" or a bare name.

        Raises:
            InputError: no provider offers it; near names are told.
        """
        return self.catalog.find(text)

    def default_model(self) -> ModelInfo:
        """Return the model to begin with: the configured one, the last used, or the first usable.

        Raises:
            InputError: the configured model cannot be found.
        """
        return self.catalog.default(self._last_model)

    async def prepare(self, model: ModelInfo) -> None:
        """Make the first request to *model* quick: import the SDK and find the key, in threads.

        Raises:
            FluxError: the key or the SDK is not usable.
        """
        provider = await self.open_provider(model)
        await provider.prepare()
        await asyncio.to_thread(tokens.warm_up)

    async def open_provider(self, model: ModelInfo) -> Provider:
        """Return the provider that talks to *model*'s endpoint, from the pool.

        Raises:
            FluxError: no key is set, or it cannot be read.
        """
        key = (model.ref.provider, model.api, model.base_url)
        async with self._opening:
            if key not in self._pool:
                endpoint = await asyncio.to_thread(lambda: self._with_key(self._endpoint(model)))
                self._pool[key] = await asyncio.to_thread(make_provider, endpoint)
        return self._pool[key]

    async def _open_for_turn(self, model: ModelInfo) -> Provider:
        provider = await self.open_provider(model)
        if self._last_model != str(model.ref):
            self._last_model = str(model.ref)
            await self._remember(_LAST_MODEL, self._last_model)
        return provider

    def _endpoint(self, model: ModelInfo) -> Endpoint:
        own = self.catalog.source(model.ref.provider)
        endpoint = Endpoint(
            provider=own.id,
            label=own.label,
            api=model.api,
            base_url=model.base_url,
            key_name=own.key_names[0] if own.key_names else "",
            headers=own.headers,
            options=own.options,
        )
        return self._simulated(endpoint) if model.simulated else endpoint

    def _with_key(self, endpoint: Endpoint) -> Endpoint:
        own = self.catalog.source(endpoint.provider)
        if endpoint.transport is not None:
            return endpoint
        key = find_key(self.settings, own.id, own.key_names)
        if key is None and own.needs_key:
            raise InputError(
                f"there is no key for {own.label}",
                hint=f"set {endpoint.key_name} or choose another",
            )
        return replace(endpoint, key=key)

    def blueprint(self, model: ModelInfo) -> Provider:
        """Return a provider for *model*, to see what it would send; it need not have a key.

        The one that talks to the endpoint already, if there is one: it may have learnt what the
        server refuses, and leaves that out. Blocks while a module is imported: call it in a thread.

        Raises:
            InputError: there is no such provider.
        """
        opened = self._pool.get((model.ref.provider, model.api, model.base_url))
        return opened or make_provider(self._endpoint(model))

    def _simulated(self, endpoint: Endpoint) -> Endpoint:
        from pydantic import SecretStr

        from flux_tui.sim.app import SimSettings, Simulator
        from flux_tui.sim.transport import SimTransport

        if not isinstance(self._simulator, Simulator):
            speed = self.settings.sim_speed
            given = SimSettings(cache_minimum=CACHE_MINIMUM)
            self._simulator = Simulator(given if speed is None else replace(given, speed=speed))
        transport = SimTransport(self._simulator)
        return replace(endpoint, key=SecretStr(SIMULATOR_KEY), headers={}, transport=transport)

    def new_session(self, model: ModelInfo | None = None) -> ChatSession:
        """Return an empty session; nothing is stored before its first message."""
        return self._session(model or self.default_model(), Conversation())

    async def resume(self, session_id: str) -> ChatSession:
        """Return a stored session, claimed for writing; read-only if another process has it.

        It goes on with the model that answered last, unless that one was asked for one message.

        Raises:
            StoreError: the session cannot be read.
            InputError: there is no such session.
        """
        conversation = await self.store.load(session_id)
        priced = await self._priced(conversation)
        if priced:
            messages = tuple(priced.get(m.id, m) for m in conversation.messages)
            conversation = Conversation(conversation.system, messages, conversation.head)
        info = next((s for s in await self.store.find(session_id) if s.id == session_id), None)
        kept = await self.store.get_state(f"model:{session_id}") or ""
        session = self._session(
            self._model_of(conversation, kept),
            conversation,
            session_id=session_id,
            title=info.title if info is not None else "",
            privacy=Privacy.loads(await self.store.get_state(state_key(session_id))),
            notes=await asyncio.to_thread(read_notes, self.root),
            told=await self.store.notices(session_id),
        )
        # Counted now, in a thread, so that the context meter need not estimate a long history.
        await asyncio.to_thread(self._meter.count, conversation.path, "", ())
        session.ledger.restore(conversation.messages)
        session.ledger.reprice(priced.values())
        if not await self.store.claim(session_id):
            session.read_only = True
            session.notices.append(
                "Another Flux TUI has this session open: it can be read here, not continued."
            )
        return session

    async def keep_model(self, session: ChatSession) -> None:
        """Let *session* be resumed with its model of now, though another one answered last."""
        if session.id is not None and not session.read_only:
            kept = f"{session.conversation.head} {session.model.ref}"
            await self.store.set_state(f"model:{session.id}", kept)

    async def _priced(self, conversation: Conversation) -> dict[str, Message]:
        """Return, by id, answers that broke off before they had a price, with their price."""
        priced: dict[str, Message] = {}
        for message in conversation.messages:
            known = message.cost is not None and message.cost.basis != "unknown"
            if message.stop != "interrupted" or known or not (message.model and message.usage):
                continue
            try:
                model = self.find_model(str(message.model))
            except InputError:
                continue  # its provider is not set up any more: nobody knows its price
            cost = await asyncio.to_thread(self.tariff.cost, model, message.usage, message.at)
            priced[message.id] = replace(message, cost=cost)
        return priced

    def view(self, conversation: Conversation) -> ChatSession:
        """Return a session to look at a conversation that is not stored, as one from a file.

        It can be checked, inspected and counted, not continued.
        """
        session = self._session(self._model_of(conversation), conversation)
        # Its costs are no part of what this user spends.
        session.ledger = CostLedger(self.tariff.cost, Spending(simulated=self.demo))
        session.ledger.restore(conversation.messages)
        session.read_only = True
        return session

    def _model_of(self, conversation: Conversation, kept: str = "") -> ModelInfo:
        used = next((m.model for m in reversed(conversation.path) if m.model is not None), None)
        head, _, name = kept.partition(" ")  # as `keep_model` wrote it
        for wanted in (name if head == conversation.head else "", str(used or "")):
            try:
                if wanted:
                    return self.find_model(wanted)
            except InputError:
                _log.info("%s is not on offer any more", wanted)
        return self.default_model()

    def _session(
        self,
        model: ModelInfo,
        conversation: Conversation,
        *,
        session_id: str | None = None,
        title: str = "",
        privacy: Privacy | None = None,
        notes: str | None = None,
        told: Sequence[Notice] = (),
    ) -> ChatSession:
        settings = self.settings
        services = Services(
            store=self.store,
            open_provider=self._open_for_turn,
            blueprint=self.blueprint,
            meter=self._meter,
            price=self.tariff.cost,
            root=self.root,
            tools=offered(self.tools, settings.tools_mode),
            max_output=settings.max_output,
            temperature=settings.temperature,
            label=lambda provider: self.catalog.source(provider).label,
            larger=self.catalog.larger,
            news=self._news,
        )
        made = ChatSession(
            services,
            model,
            ledger=CostLedger(self.tariff.cost, self._spending, settings.budgets),
            policy=ApprovalPolicy(settings.approval),
            effort=settings.effort or self.effort_of(model.ref),
            conversation=conversation,
            session_id=session_id,
            title=title,
            privacy=privacy,
            notes=notes,
            told=told,
        )
        made.budget = settings.budgets.turn
        return made

    async def favourite(self, ref: ModelRef, on: bool) -> None:
        """Make a model a favourite, the last in the row, or no longer one; remembered."""
        others = tuple(name for name in self.catalog.favourites if name != str(ref))
        self.catalog.favourites = (*others, str(ref)) if on else others
        await self._remember(_FAVOURITES, json.dumps(self.catalog.favourites))

    def effort_of(self, ref: ModelRef) -> Effort | None:
        """Return the effort that was last wished of a model; None if none was."""
        return self._efforts.get(str(ref))

    async def wish_effort(self, ref: ModelRef, effort: Effort) -> None:
        """Remember the effort wished of a model, for the next time it is used."""
        self._efforts[str(ref)] = effort
        told = [f"{name} {level}" for name, level in self._efforts.items()]
        await self._remember(_EFFORTS, json.dumps(told))

    async def _remember(self, key: str, value: str) -> None:
        try:
            await self.store.set_state(key, value)
        except StoreError:
            _log.exception("%s is not remembered", key)

    async def aclose(self) -> None:
        """Close connections and the store; idempotent."""
        pool, self._pool = self._pool, {}
        try:
            for provider in pool.values():
                await provider.aclose()
        finally:
            await self.store.aclose()


def offered(tools: Mapping[str, Tool], mode: str) -> dict[str, Tool]:
    """Return the tools that a model is offered: "none", "read" (those that only read) or "all"."""
    if mode == "none":
        return {}
    return {name: tool for name, tool in tools.items() if mode == "all" or tool.risk == "read"}


def _texts(saved: str) -> tuple[str, ...]:
    try:
        value = json.loads(saved)
    except ValueError:
        return ()
    if not isinstance(value, list):
        return ()
    # json.loads gives lists of JSON values; only texts are names of models.
    return tuple(name for name in cast("list[object]", value) if isinstance(name, str))
