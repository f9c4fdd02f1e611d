"""Carries a batch job on from wherever it stands: hand in, look, collect; each answer once."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from flux_tui.core.errors import FluxError, InputError, ProviderError
from flux_tui.core.messages import Message, Text
from flux_tui.core.models import ModelInfo
from flux_tui.core.sanitize import one_line
from flux_tui.core.usage import NO_COST, Cost, Usage
from flux_tui.providers.base import Provider
from flux_tui.providers.batches import (
    MOST_BYTES,
    MOST_REQUESTS,
    PRICE,
    Batches,
    BatchResult,
    BatchState,
    has_batches,
    open_batches,
    plain_body,
)
from flux_tui.providers.transport import Body
from flux_tui.session.batch import Job, JobFolder, Part, new_mark
from flux_tui.session.jobs import Prompt
from flux_tui.session.jobs_answer import answer_object
from flux_tui.session.jobs_log import AnswerLog, Record
from flux_tui.session.outgoing import Outgoing
from flux_tui.session.prompts import read_notes, system_prompt
from flux_tui.session.wiring import Runtime

FIRST_LOOK, LONGEST_LOOK = 1.0, 60.0  # seconds between two looks, growing by half
_TRIES = 4
_SKEW = timedelta(minutes=10)  # between the vendor's clock and ours


@dataclass(slots=True)
class BatchRun:
    """One process's work on a job. `told` hears sentences about how it goes.

    `troubles` holds, by the marks of parts, why the vendor tells nothing about a batch that it has
    or may have. What is paid for is never given up: such a part stays open for another try.
    """

    runtime: Runtime
    folder: JobFolder
    job: Job
    log: AnswerLog
    told: Callable[[str], None]
    troubles: dict[str, ProviderError] = field(default_factory=dict[str, ProviderError])
    _batches: dict[str, Batches] = field(default_factory=dict[str, Batches])
    _stored: set[str] = field(default_factory=set[str])
    _unkept: bool = False
    _notes: str = ""

    async def run(self, *, wait: bool) -> None:
        """Hand in what is not, and collect what has ended; with *wait* until nothing is open.

        A part that the vendor refuses fails with its words, and the others go on. It may be
        cancelled, or killed, at any point.
        """
        self._notes = await asyncio.to_thread(read_notes, self.runtime.root)
        await self._open_session()
        pause = FIRST_LOOK
        try:
            while True:
                for part in tuple(self.job.parts):
                    if part.open:
                        await self._carry_on(part)
                if not (wait and any(map(self._hopeful, self.job.parts))):
                    return
                await asyncio.sleep(pause)
                pause = min(LONGEST_LOOK, pause * 1.5)
        finally:
            await self.aclose()

    async def _carry_on(self, part: Part) -> None:
        model = self.runtime.find_model(part.model)
        try:
            batches = await self._batches_of(model)
            if part.status == "waiting":
                if any(p.status == "submitted" for p in self.job.parts if p.model == part.model):
                    return
                part.status = "new"
            if part.status != "submitted":
                await self._submit(part, model, batches)
            state = await batches.state(part.batch)
            match state.status:
                case "failed":
                    await self._fail(part, state.words)
                case "full":
                    await self._hold_back(part, state.words)
                case "ended":
                    await self._collect(part, model, batches)
                case "running":
                    pass
            self.troubles.pop(part.mark, None)
        except ProviderError as problem:
            if part.status == "new" and not problem.retryable:
                await self._fail(part, str(problem))
                return
            self.troubles[part.mark] = problem
            later = "; it is tried again later" if problem.retryable else ""
            self.told(f"{part.model}: {problem.message if later else problem}{later}")

    def _hopeful(self, part: Part) -> bool:
        """Whether waiting may bring something of *part*."""
        trouble = self.troubles.get(part.mark)
        return part.open and (trouble is None or trouble.retryable)

    async def _hold_back(self, part: Part, words: str) -> None:
        """Wait for the room that other batches of the model take up; alone, it is too large."""
        part.batch = ""
        others = [p for p in self.job.parts if p.model == part.model and p is not part]
        if any(other.status == "submitted" for other in others):
            part.status = "waiting"
        elif len(part.prompts) > 1:
            self.job.divide(part)
        else:
            await self._fail(part, words)
            return
        await self._save()
        self.told(f"{part.model}: {words} It goes on in smaller parts, one after the other.")

    async def cancel(self) -> None:
        """Let the vendors begin nothing more. What is answered by then is still to be collected.

        A part that was not handed in fails; `run` collects the others once they have ended.
        """
        for part in self.job.parts:
            if part.open:
                await self._cancel(part)

    async def _cancel(self, part: Part) -> None:
        try:
            batches = await self._batches_of(self.runtime.find_model(part.model))
            if part.status == "new":
                await self._fail(part, "cancelled before it was handed in")
            elif part.status == "submitting":
                # Some vendors show whose a batch is at its end alone: none is ended on a guess.
                self.told(f"{part.model}: a batch may be on its way; collect the job, then cancel")
            elif (await batches.state(part.batch)).status == "running":
                await batches.cancel(part.batch)
                self.told(f"{part.model}: {part.batch} is being cancelled")
        except ProviderError as problem:
            self.troubles[part.mark] = problem
            self.told(f"{part.model}: {problem}")

    async def look(self) -> list[BatchState | None]:
        """Return how far the batches of the job's parts are; None where none is under way."""
        return [
            await self._look(part) if part.open and part.batch else None for part in self.job.parts
        ]

    async def _look(self, part: Part) -> BatchState | None:
        try:
            batches = await self._batches_of(self.runtime.find_model(part.model))
            return await batches.state(part.batch)
        except ProviderError as problem:
            self.troubles[part.mark] = problem
            self.told(f"{part.model}: {problem}")
            return None

    async def aclose(self) -> None:
        """Close the connections; idempotent."""
        batches, self._batches = self._batches, {}
        for one in batches.values():
            await one.aclose()

    async def _batches_of(self, model: ModelInfo) -> Batches:
        key = f"{model.ref.provider} {model.api}"
        if key not in self._batches:
            provider = await self.runtime.open_provider(model)
            self._batches[key] = open_batches(provider.endpoint)
        return self._batches[key]

    async def _submit(self, part: Part, model: ModelInfo, batches: Batches) -> None:
        """Hand a part in, unless that happened before a kill; failures that pass are tried again.

        Raises:
            ProviderError: the vendor refuses it.
        """
        provider = await self.runtime.open_provider(model)
        bodies = await asyncio.to_thread(self._bodies, part, model, provider)
        for attempt in range(1, _TRIES + 1):
            try:
                found = None
                if part.status == "submitting":
                    since = datetime.fromisoformat(part.since) - _SKEW
                    found = await batches.find(part.mark, len(bodies), since)
                if found is None:
                    part.status, part.since = "submitting", datetime.now(UTC).isoformat()
                    await self._save()
                    found = await self._hand_in(part, batches, bodies)
                part.status, part.batch = "submitted", found
                await self._save()
            except ProviderError as problem:
                if not problem.retryable or attempt == _TRIES:
                    raise
                # The answer alone may be lost: the next round looks for the batch first.
                jitter = random.uniform(0.5, 1.5)  # noqa: S311 - a pause, no secret
                await asyncio.sleep(2.0 ** (attempt - 1) * jitter)
            else:
                self.told(f"{part.model}: {_many(len(bodies), 'prompt')} handed in as {part.batch}")
                return

    async def _hand_in(
        self, part: Part, batches: Batches, bodies: Sequence[tuple[str, Body]]
    ) -> str:
        try:
            return await batches.submit(part.mark, bodies)
        except ProviderError as problem:
            if not problem.retryable:
                part.status = "new"  # refused: the vendor has nothing of it
            raise

    def _bodies(self, part: Part, model: ModelInfo, provider: Provider) -> list[tuple[str, Body]]:
        return [
            (
                part.custom_id(place),
                request_body(self.runtime, model, provider, prompt, self._notes),
            )
            for place, prompt in ((place, self.job.prompts[place]) for place in part.prompts)
        ]

    async def _collect(self, part: Part, model: ModelInfo, batches: Batches) -> None:
        mine, left = frozenset(part.prompts), set(part.prompts)
        strange = False
        async with aclosing(batches.results(part.batch, model)) as results:
            async for result in results:
                place = part.prompt_of(result.custom_id)
                if place not in left:
                    strange = strange or place not in mine
                    continue
                left.discard(place)
                await self._keep(part, model, place, result)
        if strange and len(left) == len(part.prompts):
            # Found after a kill by its time and size alone, and it was another one.
            part.status, part.batch = "submitting", ""
            await self._save()
            return
        for place in left:
            error = "the batch ended without an answer to it"
            await self._keep(part, model, place, BatchResult(part.custom_id(place), None, error))
        part.status = "collected"
        await self._save()
        found = _many(len(part.prompts) - len(left), "result")
        self.told(f"{part.model}: {found} of {part.batch}")

    async def _fail(self, part: Part, words: str) -> None:
        model = self.runtime.find_model(part.model)
        part.error = one_line(words, 500)
        for place in part.prompts:
            result = BatchResult(part.custom_id(place), None, part.error)
            await self._keep(part, model, place, result)
        part.status = "failed"
        await self._save()

    async def _keep(self, part: Part, model: ModelInfo, place: int, result: BatchResult) -> None:
        """Put a result into the store and the file of answers, if it is not there."""
        prompt = self.job.prompts[place]
        before = self.log.records.get(("answer", prompt.digest, part.model))
        if before is not None and (not before["error"] or before.get("part") == part.mark):
            return
        answer, cost = result.answer, Cost(basis="unknown") if result.charged else NO_COST
        if answer is not None:
            usage = answer.usage or Usage()
            cost = await asyncio.to_thread(half_price, self.runtime, model, usage)
            answer = replace(answer, id=f"{part.mark}-{place}", cost=cost)
            await self._store(prompt, place, answer)
        record: Record = {
            "kind": "answer",
            "id": prompt.id,
            "digest": prompt.digest,
            "part": part.mark,
            "prompt": prompt.text,
            **answer_object(
                model.ref,
                [answer] if answer is not None else [],
                stop=(answer.stop or "end") if answer is not None else "error",
                error=result.error,
                cost=cost,
                session=self.job.session or None,
            ),
            "tokens_per_s": None,
            "batch": part.batch,
        }
        await asyncio.shield(asyncio.to_thread(self.log.append, record))

    async def _open_session(self) -> None:
        """Look what the session of an earlier run holds; without one, the first answer makes it."""
        if not self.job.session:
            return
        try:
            conversation = await self.runtime.store.load(self.job.session)
        except FluxError:
            self.job.session = ""  # the user deleted it: what comes now gets one of its own
            return
        self._stored = {message.id for message in conversation.messages}

    async def _store(self, prompt: Prompt, place: int, answer: Message) -> None:
        """Keep an answer in the job's session, where it is found and its cost counts."""
        if self._unkept:
            return
        store = self.runtime.store
        question = f"{self.job.id}-{place}"
        asked = Message(role="user", parts=(Text(prompt.text),), id=question)
        try:
            if not self.job.session:
                title = one_line(f"Batch: {self.job.prompts[0].text}", 60)
                self.job.session = await store.create(title=title, folder=str(self.runtime.root))
                await self._save()
            for message in (asked, replace(answer, parent=question)):
                if message.id not in self._stored:
                    await store.append(self.job.session, message)
                    self._stored.add(message.id)
        except FluxError as problem:
            self._unkept = True  # said once, not for every answer
            self.told(f"the answers are kept in {self.job.out} alone: {problem}")

    async def _save(self) -> None:
        await asyncio.shield(asyncio.to_thread(self.folder.save, self.job))


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def request_body(
    runtime: Runtime, model: ModelInfo, provider: Provider, prompt: Prompt, notes: str
) -> Body:
    """Return the body that asks *model* the *prompt*, as `ask` would, for a batch."""
    settings = runtime.settings
    own = prompt.system
    outgoing = Outgoing(
        model=model,
        system=system_prompt(model, root=runtime.root, tools=False, notes=notes, own=own),
        max_output=settings.max_output,
        effort=model.snap_effort(settings.effort),
        temperature=settings.temperature,
    )
    asked = Message(role="user", parts=(Text(prompt.text),), id=prompt.digest)
    request, _ = outgoing.request((asked,))
    return plain_body(provider.body(request))


def half_price(runtime: Runtime, model: ModelInfo, usage: Usage) -> Cost:
    """Return what *usage* costs in a batch: half of what it costs otherwise. Blocks."""
    try:
        cost = runtime.tariff.cost(model, usage, datetime.now(UTC))
    except (ArithmeticError, LookupError, ValueError, ImportError, OSError):
        return Cost(basis="unknown")
    return cost if cost.amount is None else replace(cost, amount=cost.amount * PRICE)


async def plan_parts(
    runtime: Runtime, job: Job, models: Iterable[ModelInfo], answered: Callable[[str, str], bool]
) -> None:
    """Divide *job* into parts no larger than a batch may be, without what is *answered* already.

    Raises:
        InputError: a model's endpoint takes no batches that are known here.
        FluxError: there is no key for it.
    """
    notes = await asyncio.to_thread(read_notes, runtime.root)
    for model in models:
        if not has_batches(model):
            raise InputError(
                f"no batch endpoint for {model.ref} is known", hint="ask it without --batch"
            )
        provider = await runtime.open_provider(model)
        places = [
            place
            for place, prompt in enumerate(job.prompts)
            if not answered(prompt.digest, str(model.ref))
        ]

        def size(place: int, model: ModelInfo = model, provider: Provider = provider) -> int:
            body = request_body(runtime, model, provider, job.prompts[place], notes)
            return len(json.dumps(body)) + 200

        for chunk in await asyncio.to_thread(chunks, places, size):
            job.parts.append(Part(str(model.ref), new_mark(), chunk))


def chunks(places: Iterable[int], size: Callable[[int], int]) -> list[list[int]]:
    """Return *places* in lists that one batch takes; *size* gives the bytes of each."""
    found: list[list[int]] = []
    total = 0
    for place in places:
        more = size(place)
        if not found or len(found[-1]) >= MOST_REQUESTS or total + more > MOST_BYTES:
            found.append([])
            total = 0
        found[-1].append(place)
        total += more
    return found
