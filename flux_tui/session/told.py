"""What a session was told beside its messages, and where: it is there again after a restart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from flux_tui.core.events import Noted, TurnEnded, TurnEvent
from flux_tui.core.messages import Conversation, Role
from flux_tui.core.notices import Notice, NoticeKind

_STOPPED: Mapping[Role, str] = {
    "user": "Stopped before anything of an answer was there",
    "tool": "Stopped before the answer went on",
}
"""By whose message is the last one; what an answer holds says itself that it was stopped."""


class Told:
    """Notices that say what happened to the conversation; passing news is none of them.

    A change of model happens with the next message: until then it is only pending. *keep* stores
    a notice; without it none is stored.
    """

    def __init__(
        self,
        keep: Callable[[Notice], Awaitable[None]] | None = None,
        stored: Sequence[Notice] = (),
    ) -> None:
        self._keep = keep
        self._notices = list(stored)
        self._pending: list[str] = []

    def at(self, conversation: Conversation) -> tuple[Notice, ...]:
        """Return all notices, with the pending changes of model at the tip of *conversation*."""
        pending = [Notice(conversation.head, "switch", line) for line in self._pending]
        return (*self._notices, *pending)

    def switched(self, line: str) -> None:
        """Take a change of model."""
        self._pending.append(line)

    async def begin(self, head: str | None) -> None:
        """Store what is pending: the next message comes after *head*."""
        while self._pending:
            await self._add(head, "switch", self._pending.pop(0))

    async def hear(self, event: TurnEvent, conversation: Conversation) -> None:
        """Store what *event* tells, unless a message holds it."""
        match event:
            case Noted(text):
                await self._add(conversation.head, "notice", text)
            case TurnEnded(error=error, hint=hint) if error:
                last = conversation.path[-1] if conversation.path else None
                if last is None or not last.error:
                    text = f"{error}\n{hint}" if hint else error
                    await self._add(conversation.head, "error", text)
            case TurnEnded("aborted") if conversation.path:
                if text := _STOPPED.get(conversation.path[-1].role):
                    await self._add(conversation.head, "notice", text)
            case _:
                pass

    async def _add(self, after: str | None, kind: NoticeKind, text: str) -> None:
        notice = Notice(after, kind, text)
        self._notices.append(notice)
        if self._keep is not None:
            await self._keep(notice)
