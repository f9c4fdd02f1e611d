"""A user's keymap, checked before the screen is taken: what it says, and what it takes away."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from textual.keys import KEY_TO_UNICODE_NAME, Keys

from flux_tui.core.errors import ConfigError, Place
from flux_tui.core.near import did_you_mean, nearest
from flux_tui.ui.keymap import ACTIONS, key_name
from flux_tui.ui.screens.compare_keys import COLUMN_ACTIONS

_MODIFIERS = ("alt", "ctrl", "hyper", "meta", "shift", "super")
"""In the order in which Textual names them: `ctrl+shift+up`, never `shift+ctrl+up`."""

_NAMES = frozenset(
    {key.value.rpartition("+")[2] for key in Keys if re.fullmatch(r"[a-z0-9+]+", key.value)}
    | {*KEY_TO_UNICODE_NAME, "comma", "semicolon", "colon", "apostrophe", "tilde", "ampersand"}
    | {"asterisk", "slash", "backslash", "at", "minus", "plus", "underscore"}
)
_PRINTED = frozenset(KEY_TO_UNICODE_NAME) | (_NAMES - {key.value for key in Keys}) | {"space"}

_SAME = {
    "ctrl+i": "Tab",
    "ctrl+m": "Enter",
    "ctrl+h": "Backspace",
    "ctrl+left_square_bracket": "Esc",
}
"""What terminals send for these keys."""

_WRITING = frozenset(
    {"enter", "shift+enter", "alt+enter", "ctrl+j", "tab", "backspace", "delete"}
    | {"up", "down", "left", "right", "home", "end"}
)
_SHORT = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}


@dataclass(frozen=True, slots=True)
class _Screen:
    """The keys of one screen: by action id, and which actions work while somebody writes."""

    keys: Mapping[str, tuple[str, ...]]
    writing: frozenset[str]
    fixed: Mapping[str, str] = field(default_factory=dict[str, str])


_SCREENS = (
    _Screen(
        {action.id: action.keys for action in ACTIONS},
        frozenset(action.id for action in ACTIONS if action.priority),
    ),
    _Screen(
        {action.id: action.keys for action in COLUMN_ACTIONS},
        frozenset(action.id for action in COLUMN_ACTIONS),
        {f"alt+{number}": "it asks one column alone" for number in range(1, 5)},
    ),
)


def action_ids() -> tuple[str, ...]:
    """Return the ids that `[keys]` may name: of the chat and of the split view."""
    return tuple(dict.fromkeys(name for screen in _SCREENS for name in screen.keys))


def check_keymap(
    keymap: Mapping[str, str], places: Mapping[str, Place]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the keymap as it takes effect, and sentences for the user.

    Keys are written as Textual writes them. An action whose own key the user gave to another is
    in the keymap, too, with the keys that are left; an empty text says that none is.

    Raises:
        ConfigError: a key has no such name, cannot be bound, or is given to two actions.
    """
    known = action_ids()
    told: list[str] = []
    chosen: dict[str, tuple[str, ...]] = {}
    for name, text in keymap.items():
        place = places.get(name, Place("the settings"))
        if name not in known:
            told.append(f"{place}: {_full(name)} names no action and is ignored{_near(name)}")
            continue
        chosen[name] = tuple(_checked(name, key, place) for key in _listed(name, text, place))
    for screen in _SCREENS:
        _refuse_doubles(screen, chosen, places)
    effective = {name: ",".join(keys) for name, keys in chosen.items()}
    for screen in _SCREENS:
        for name, left, line in _displaced(screen, chosen, places):
            effective[name] = ",".join(left)
            told.append(line)
    return effective, tuple(told)


def _full(name: str) -> str:
    return f'keys."{name}"'


def _near(name: str) -> str:
    return f"; {did_you_mean(name, action_ids()) or 'docs/keys.md lists the ids'}"


def _listed(name: str, text: str, place: Place) -> Iterable[str]:
    keys = [key.strip() for key in text.split(",")]
    if not all(keys):
        hint = 'write e.g. "f2" or "f2,alt+p"; the key "," is called comma'
        raise ConfigError("names no key", place=place, key=_full(name), hint=hint)
    return dict.fromkeys(keys)


def _checked(name: str, key: str, place: Place) -> str:
    """Return *key* as Textual names it."""

    def wrong(why: str, hint: str = "") -> ConfigError:
        return ConfigError(f"{key!r} {why}", place=place, key=_full(name), hint=hint)

    *modifiers, last = [*key[:-1].split("+"), key[-1]] if key[-2:] == "++" else key.split("+")
    modifiers = [word.lower() for word in modifiers if word]
    last = _spelled(last)
    if not last or set(modifiers) - set(_MODIFIERS):
        raise wrong("is not the name of a key", _meant(key))
    # Ctrl+P is how people write it; Textual's own name is ctrl+p.
    made = "+".join((*sorted(set(modifiers)), last.lower() if modifiers else last))
    if why := _fixed(name, made):
        raise wrong(f"cannot be bound: {why}", "choose another key")
    return made


def _fixed(name: str, key: str) -> str:
    """Return why *key* cannot be given to the action *name*, or an empty text."""
    if key in _SAME:
        return f"terminals send {_SAME[key]} for it"
    if key == "ctrl+c":
        return "it copies, and pressed twice it quits"
    if key == "ctrl+q" and name != "app.quit":
        return "it quits, in every dialog, too"
    if key in _WRITING:
        return "the composer needs it"
    screens = [screen for screen in _SCREENS if name in screen.keys]
    if any(name in screen.writing for screen in screens) and _is_printed(key):
        return f"{name} works while you write, so nobody could type it"
    return next((screen.fixed[key] for screen in screens if key in screen.fixed), "")


def _spelled(last: str) -> str:
    """Return how Textual names the key itself, or an empty text."""
    if len(last) == 1:
        if last.isalnum():
            return last
        named = unicodedata.name(last, "").lower().replace(" ", "_").replace("-", "_")
        return _SHORT.get(named, named)
    last = last.lower()
    return _SHORT.get(last, last) if last in _NAMES else ""


def _is_printed(key: str) -> bool:
    return len(key) == 1 or key in _PRINTED


def _meant(key: str) -> str:
    *modifiers, last = key.lower().split("+")
    parts = [nearest(word, _MODIFIERS) for word in modifiers]
    close = nearest(last, sorted(_NAMES))
    name = last if len(last) == 1 else close[0] if close else ""
    if name and all(parts):
        return f"did you mean '{'+'.join((*(part[0] for part in parts), name))}'?"
    return "write e.g. f2, ctrl+t, alt+up or question_mark"


def _refuse_doubles(
    screen: _Screen, chosen: Mapping[str, tuple[str, ...]], places: Mapping[str, Place]
) -> None:
    taken: dict[str, str] = {}
    for name, keys in chosen.items():
        if name not in screen.keys:
            continue
        for key in keys:
            other = taken.setdefault(key, name)
            if other != name:
                line = places[other].line if other in places else 0
                where = f" (line {line})" if line else ""
                raise ConfigError(
                    f"{key!r} is already the key of {other!r}{where}",
                    place=places.get(name, Place("the settings")),
                    key=_full(name),
                    hint="give one of the two another key",
                )


def _displaced(
    screen: _Screen, chosen: Mapping[str, tuple[str, ...]], places: Mapping[str, Place]
) -> Iterable[tuple[str, tuple[str, ...], str]]:
    """Yield whose own keys the user gave to another action, what is left, and a sentence."""
    taken = {key: name for name in chosen if name in screen.keys for key in chosen[name]}
    for other, own in screen.keys.items():
        lost = [key for key in own if key in taken]
        if other in chosen or not lost:
            continue
        left = tuple(key for key in own if key not in lost)
        name = taken[lost[0]]
        place = places.get(name, Place("the settings"))
        rest = f"keeps {', '.join(map(key_name, left))}" if left else "has no key any more"
        keys = ", ".join(map(key_name, lost))
        yield other, left, f"{place}: {_full(name)}: {keys} was the key of {other}, which {rest}"
