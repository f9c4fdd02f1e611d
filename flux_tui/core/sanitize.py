"""Strips terminal control from text that is not ours, whole or as it streams in."""

from __future__ import annotations

import re
import unicodedata

REPLACEMENT = "\ufffd"

# A string that is never closed must not swallow the rest of an answer, so payloads have a limit;
# beyond it only the introducer goes, and what follows is inert text.
_LIMIT = 4096
_STRING = r"(?:\x1b[PX\]^_]|[\x90\x98\x9d-\x9f])"  # DCS SOS OSC PM APC, 7 and 8 bits
_PAYLOAD = rf"[^\x07\x18\x1a\x1b\x80-\x9f]{{0,{_LIMIT}}}"
_CSI = r"(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}"
_BIDI = "\u202a-\u202e\u2066-\u2069"

_SUSPECT = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}\ud800-\udfff]")
_TOKEN = re.compile(
    rf"(?P<newline>\r\n?)"
    rf"|{_STRING}(?:{_PAYLOAD}(?:\x07|\x18|\x1a|\x9c|\x1b\\))?"
    rf"|{_CSI}[@-~]?"
    rf"|\x1b[ -/]{{0,8}}[0-~]?"
    rf"|(?P<pair>[\ud800-\udbff][\udc00-\udfff])"
    rf"|(?P<lone>[\ud800-\udfff])"
    rf"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{_BIDI}]"
)
# What the next chunk may still complete. One introducer at most can match at the very end, since
# no payload may hold another.
_OPEN = re.compile(rf"(?:\r|{_STRING}{_PAYLOAD}\x1b?|{_CSI}|\x1b[ -/]{{0,8}}|[\ud800-\udbff])\Z")

_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")  # blank, yet letters


def _replace(match: re.Match[str]) -> str:
    match match.lastgroup:
        case "newline":
            return "\n"
        case "pair":
            return match[0].encode("utf-16", "surrogatepass").decode("utf-16")
        case "lone":
            return REPLACEMENT
        case _:
            return ""


def sanitize(text: str) -> str:
    r"""Return *text* without anything a terminal could obey.

    Line ends become ``\n``. Escape sequences go with their payload; the other C0 and C1 controls
    except tab, DEL and bidirectional overrides go. Two surrogates that belong together become
    their character, a lone one U+FFFD. Applying it twice changes nothing more.
    """
    if _SUSPECT.search(text) is None:
        return text
    return _TOKEN.sub(_replace, text)


class Sanitizer:
    """`sanitize` for text that comes in pieces: the pieces together give what the whole gives."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """Return what is safe so far; an unfinished sequence waits for the next piece."""
        text = self._held + text
        self._held = ""
        if _SUSPECT.search(text) is None:
            return text
        if unfinished := _OPEN.search(text):
            self._held = unfinished[0]
            text = text[: unfinished.start()]
        return _TOKEN.sub(_replace, text)

    def flush(self) -> str:
        """Return what was still waiting, at the end of the text."""
        rest, self._held = self._held, ""
        return sanitize(rest)


def visible(text: str) -> str:
    """Return *text* with every hidden character as an escape, for approvals and code.

    Newlines and tabs stay. Shown are controls, format and zero-width characters, bidirectional
    marks, tags, blank letters, private and unassigned code points.
    """
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    if char in "\n\t" or (char.isprintable() and not _is_hidden(char)):
        return char
    if char == "\r":
        return "\\r"
    if unicodedata.category(char) == "Zs":
        return char  # exotic spaces: they look like what they are
    code = ord(char)
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"


def _is_hidden(char: str) -> bool:
    # Variation selectors are marks (Mn) and count as printable, yet they can carry any payload.
    return char in _FILLERS or "\ufe00" <= char <= "\ufe0f" or "\U000e0000" <= char <= "\U000e0fff"


def one_line(text: str, limit: int = 80) -> str:
    """Return *text* sanitised on one line of at most *limit* characters, cut with an ellipsis."""
    # Nothing beyond a few times the limit can show; a megabyte is not worth folding.
    line = " ".join(sanitize(text[: limit * 8 + 1]).split())
    if len(line) <= limit and len(text) <= limit * 8 + 1:
        return line
    return line[: max(limit - 1, 0)].rstrip() + "…" if limit > 0 else ""
