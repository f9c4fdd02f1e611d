"""What happened to a conversation beside its messages: a change of model, a notice, an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

NoticeKind: TypeAlias = Literal["switch", "notice", "error"]

KINDS: tuple[NoticeKind, ...] = get_args(NoticeKind)


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the reader behind the message `after`; None: before the first one.

    It is no message: no model is sent it, and no branch leads through it.
    """

    after: str | None
    kind: NoticeKind
    text: str
