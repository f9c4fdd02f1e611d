"""Who may run what: a policy that judges, and the protocol by which a person is asked."""

from __future__ import annotations

from enum import Enum
from typing import Literal, Protocol, TypeAlias

from flux_tui.core.messages import ToolCall
from flux_tui.tools.base import Preview, Tool

ApprovalMode: TypeAlias = Literal["ask", "read", "all", "none"]
"""Which calls run unasked: none, those that only read, or all but commands; "none" refuses all."""

APPROVAL_MODES: tuple[ApprovalMode, ...] = ("ask", "read", "all", "none")


class Verdict(Enum):
    """What the policy says of a tool."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


class Answer(Enum):
    """What a person says of a call."""

    ONCE = "once"
    SESSION = "session"
    NO = "no"


class Approver(Protocol):
    """Asks a person; a dialog in the application, a flat refusal where nobody sits."""

    async def ask(self, call: ToolCall, tool: Tool, preview: Preview | None) -> Answer:
        """Return the answer to *call*. Cancelled when the turn is stopped: close the dialog then.

        *preview* is what the tool would do, bound to the run by its fingerprint; None asks to
        show the plain arguments.
        """
        ...


class Unattended:
    """The approver where nobody can answer: every question is a no."""

    async def ask(self, call: ToolCall, tool: Tool, preview: Preview | None) -> Answer:
        """Refuse."""
        del call, tool, preview
        return Answer.NO


class ApprovalPolicy:
    """Judges tools by their risk, the mode, and what was granted for the session.

    A grant names one tool. Tools that execute commands ask every time, in every mode, and are
    never granted for a session: nothing but the user stands between a command and the machine,
    an approval binds one command line, and no prefix of it is safe by itself.
    """

    def __init__(self, mode: ApprovalMode = "ask") -> None:
        self.mode: ApprovalMode = mode
        self._granted: set[str] = set()

    @property
    def granted(self) -> frozenset[str]:
        """Names of the tools that run unasked for the rest of the session."""
        return frozenset(self._granted)

    def judge(self, tool: Tool) -> Verdict:
        """Say whether *tool* may run, must ask, or may not."""
        if self.mode == "none":
            return Verdict.DENY
        if tool.risk == "execute":
            return Verdict.ASK
        if self.mode == "all" or (self.mode == "read" and tool.risk == "read"):
            return Verdict.ALLOW
        return Verdict.ALLOW if tool.name in self._granted else Verdict.ASK

    def grant(self, tool: Tool) -> bool:
        """Let *tool* run unasked from now on; False if it is of the kind that always asks."""
        if tool.risk == "execute":
            return False
        self._granted.add(tool.name)
        return True
