"""A job for the vendors' batch endpoints as a file: it survives whatever happens to the program."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeAlias, cast

from flux_tui.core.errors import InputError, StoreError
from flux_tui.core.messages import new_id
from flux_tui.core.usage import JSON
from flux_tui.session.jobs import Prompt

PartStatus: TypeAlias = Literal[
    "new", "waiting", "submitting", "submitted", "collected", "failed", "divided"
]
"""submitting is written before the batch is handed in: after a kill it may be there or not.

waiting: the vendor has no room for it before another batch of the model has ended; divided: it had
no room for one so large, and two smaller parts stand in its place.
"""

FOLDER = "batches"
LAST = "last"
_SHORTEST = 4  # characters of a job's name that are enough, if no other one ends in them


@dataclass(slots=True)
class Part:
    """One batch of a job: some of its prompts for one model. `mark` begins its requests' ids."""

    model: str
    mark: str
    prompts: list[int]
    status: PartStatus = "new"
    batch: str = ""
    since: str = ""  # when it was handed in, ISO 8601
    error: str = ""

    @property
    def open(self) -> bool:
        """Whether something is still to come of it."""
        return self.status not in ("collected", "failed", "divided")

    def custom_id(self, prompt: int) -> str:
        """Return the id of a prompt's request; letters, digits and dashes, at most 64."""
        return f"{self.mark}-{prompt}"

    def prompt_of(self, custom_id: str) -> int:
        """Return the prompt that *custom_id* means; -1 if it is not of this part."""
        mark, _, number = custom_id.rpartition("-")
        return int(number) if mark == self.mark and number.isdecimal() else -1


@dataclass(slots=True)
class Job:
    """Prompts for models, in parts. `key` tells whether a command asks for the same job again.

    `out` is the file of its answers, `session` the stored session that they are kept in.
    """

    id: str
    key: str
    out: str
    prompts: list[Prompt]
    parts: list[Part] = field(default_factory=list[Part])
    session: str = ""

    @property
    def open(self) -> bool:
        """Whether something is still to come."""
        return any(part.open for part in self.parts)

    @property
    def unsent(self) -> list[Part]:
        """The parts that are not handed in, as far as is known."""
        return [part for part in self.parts if part.status in ("new", "waiting", "submitting")]

    def divide(self, part: Part) -> None:
        """Put two parts in the place of *part*, which holds two prompts at least."""
        middle = len(part.prompts) // 2
        for prompts in (part.prompts[:middle], part.prompts[middle:]):
            self.parts.append(Part(part.model, new_mark(), prompts))
        part.status = "divided"

    @property
    def models(self) -> tuple[str, ...]:
        """The models that are asked, each once."""
        return tuple(dict.fromkeys(part.model for part in self.parts))


def new_mark() -> str:
    """Return a mark for a part; with a prompt's number it is an id that the vendors take."""
    return f"flux-{new_id()[-16:]}"


def job_key(prompts: Sequence[Prompt], models: Sequence[str], out: str) -> str:
    """Return what two commands for the same job have in common."""
    told = "\0".join((out, *models, *(prompt.digest for prompt in prompts)))
    return sha256(told.encode()).hexdigest()[:24]


class JobFolder:
    """The jobs on disk, one file each, replaced as a whole or not at all. Its methods block."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / FOLDER

    def new(self, key: str, prompts: Sequence[Prompt], out: Path | None) -> Job:
        """Return a job that is not saved yet; without *out* its answers lie beside it."""
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{new_id()[-6:]}"
        place = out if out is not None else self.path / f"{name}.jsonl"
        return Job(name, key, str(place.absolute()), list(prompts))

    def make(self) -> None:
        """Make the folder if it is not there.

        Raises:
            StoreError: it cannot be made.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as problem:
            raise StoreError(
                f"the folder {self.path} for jobs cannot be made: {problem.strerror}",
                hint="FLUX_HOME names another place",
            ) from problem

    def save(self, job: Job) -> None:
        """Write *job*; it is on the disk when this returns.

        Raises:
            StoreError: it cannot be written.
        """
        target = self.path / f"{job.id}.json"
        fresh = target.with_suffix(".tmp")
        self.make()
        try:
            fresh.touch(0o600)  # prompts are nobody else's
            with fresh.open("w", encoding="utf-8") as file:
                json.dump({"version": 1, **asdict(job)}, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(target)
        except OSError as problem:
            raise StoreError(
                f"the job {target} cannot be written: {problem.strerror}",
                hint="make room and run it again; what was handed in is found",
            ) from problem

    def open_job(self, key: str) -> Job | None:
        """Return the job under *key* that something is still to come of."""
        found = map(self._read, self._files())
        return next((job for job in found if job.key == key and job.open), None)

    def find(self, wanted: str) -> Job:
        """Return the job that is called *wanted*, or ends so, or the "last" one.

        Raises:
            InputError: there is none, there are several, or it cannot be read.
        """
        names = [path.stem for path in self._files()]
        if wanted == LAST:
            fitting = names[:1]
        else:
            long = len(wanted) >= _SHORTEST
            fitting = [n for n in names if n == wanted or (long and n.endswith(wanted))]
        if len(fitting) == 1:
            return self._read(self.path / f"{fitting[0]}.json")
        hint = f"there are {', '.join(names[:5])}" if names else "begin one with --batch"
        what = "several batch jobs end in" if fitting else "there is no batch job"
        raise InputError(f"{what} {wanted!r}", hint=hint)

    def delete(self, job: Job) -> None:
        """Remove *job*, and its answers if they lie beside it: a file of the user's stays.

        Raises:
            OSError: it cannot be removed.
        """
        answers = Path(job.out)
        if answers.parent == self.path.absolute():
            answers.unlink(missing_ok=True)
        (self.path / f"{job.id}.json").unlink(missing_ok=True)

    def jobs(self, told: Callable[[str], None]) -> list[Job]:
        """Return all jobs, newest first; of one that cannot be read, *told* hears why."""
        found: list[Job] = []
        for path in self._files():
            try:
                found.append(self._read(path))
            except InputError as problem:
                told(str(problem))
        return found

    def _files(self) -> list[Path]:
        """The files, newest first: their names begin with the time."""
        return sorted(self.path.glob("*.json"), reverse=True)

    def _read(self, path: Path) -> Job:
        try:
            value: object = json.loads(path.read_text("utf-8"))
            data = cast("Mapping[str, JSON]", value)  # what it is not fails in `_load`
            return _load(data)
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise InputError(
                f"{path} cannot be read ({type(problem).__name__})", hint="move it away"
            ) from problem


def _load(data: Mapping[str, JSON]) -> Job:
    prompts = cast("list[dict[str, str]]", data["prompts"])  # as `save` wrote them
    parts = cast("list[dict[str, JSON]]", data["parts"])
    return Job(
        id=str(data["id"]),
        key=str(data["key"]),
        out=str(data["out"]),
        prompts=[Prompt(**prompt) for prompt in prompts],
        parts=[Part(**part) for part in parts],  # pyright: ignore[reportArgumentType] - idem
        session=str(data["session"]),
    )
