"""What a server refuses: another body to try, and a memory, so that no turn begins with an error.

A compatible server says in a 400 which optional parameter it does not know. The request goes out
again without it, and from then on the parameter is not sent to that model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from flux_tui.core.errors import ProviderError
from flux_tui.core.usage import JSON
from flux_tui.providers.failures import stale_reasoning

Body: TypeAlias = dict[str, JSON]
Repair: TypeAlias = Callable[[ProviderError, Body], tuple[Body, str] | None]
"""Return another body to try after a refusal, and the words to show; None if there is none.

Pure, and the same refusal of a body that is healed already gives None or the same words.
"""


@dataclass(frozen=True, slots=True)
class Healed:
    """Another body to try, the words to show, and what to remember if it is taken.

    `given` are the values that changed. Of lists, which are the history and the tools, none is
    kept: they grow, and what was refused in them is refused again.
    """

    body: Body
    words: str
    problem: ProviderError
    given: Body


class Healing:
    """The repairs of one wire format, and those that the models of one endpoint were glad of."""

    def __init__(self, repair: Repair) -> None:
        self._repair = repair
        self._learnt: dict[str, list[Healed]] = {}

    def heal(self, problem: ProviderError, body: Body) -> Healed | None:
        """Return what heals the refusal *problem* of *body*; None if nothing does."""
        found = self._repair(problem, body)
        if found is None:
            return None
        less, words = found
        changed = (name for name in body if less.get(name) != body[name])
        given = {name: body[name] for name in changed if not isinstance(body[name], list)}
        return Healed(less, words, _bare(problem), given)

    def learn(self, model: str, repairs: Iterable[Healed]) -> None:
        """Keep what *model* refused, now that it answers without it.

        Refused reasoning is not kept here: it belongs to a conversation, not to the server.
        """
        known = self._learnt.setdefault(model, [])
        # The body that was sent is not needed again.
        known += [replace(one, body={}) for one in repairs if not stale_reasoning(one.problem)]

    def fit(self, model: str, body: Body) -> Body:
        """Return *body* as *model* is known to take it; another value may fare better."""
        for known in self._learnt.get(model, ()):
            if all(body.get(name) == value for name, value in known.given.items()):
                found = self._repair(known.problem, body)
                body = found[0] if found else body
        return body


def _bare(problem: ProviderError) -> ProviderError:
    """Return *problem* without its traceback, which holds the whole request."""
    return ProviderError(
        problem.message,
        kind=problem.kind,
        provider=problem.provider,
        status=problem.status,
        detail=problem.detail,
        param=problem.param,
    )


def drop_parameter(
    problem: ProviderError, body: Mapping[str, JSON], optional: Mapping[str, tuple[str, ...]]
) -> tuple[Body, str] | None:
    """Return *body* without the optional parameter that a 400 names, or None.

    *optional* gives, for each name that a refusal may mention, the path to leave out.
    """
    if problem.status not in {400, 422}:
        return None
    named = next(
        (name for name in optional if name == problem.param or name in problem.detail), None
    )
    if named is None:
        return None
    less = _without(body, optional[named])
    return (less, f"{problem.provider} does not take {named}") if less != body else None


def _without(body: Mapping[str, JSON], path: tuple[str, ...]) -> Body:
    less = dict(body)
    inner = less.get(path[0])
    if len(path) == 1 or not isinstance(inner, dict):
        less.pop(path[0], None)
        return less
    kept = _without(inner, path[1:])
    if kept:
        less[path[0]] = kept
    else:
        less.pop(path[0])
    return less
