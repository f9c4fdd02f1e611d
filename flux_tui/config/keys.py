"""Find a provider's key: environment, `.env`, a command, the operating system's keyring.

Keys are never logged or shown. All functions but `has_key` may block: call them in a thread.
"""

from __future__ import annotations

import importlib
import subprocess
from importlib.util import find_spec
from typing import TYPE_CHECKING

from flux_tui.config.settings import Settings
from flux_tui.core.errors import ConfigError, Place

if TYPE_CHECKING:
    from pydantic import SecretStr

COMMAND_SECONDS = 20.0
"""How long a `key_command` may take; a password manager may have to ask its user."""

KEYRING_SERVICE = "flux-tui"


def key_names_of(settings: Settings, provider_id: str, key_names: tuple[str, ...]) -> list[str]:
    """Return the variables that may hold the key, the user's own first."""
    own = settings.providers.get(provider_id)
    first = [own.key_name] if own is not None and own.key_name else []
    return [*first, *(name for name in key_names if name not in first)]


def has_key(settings: Settings, provider_id: str, key_names: tuple[str, ...]) -> bool:
    """Return whether a key is set, or a place is named that should give one. Never blocks."""
    if any(name in settings.keys for name in key_names_of(settings, provider_id, key_names)):
        return True
    own = settings.providers.get(provider_id)
    return own is not None and (bool(own.key_command) or own.keyring)


def find_key(settings: Settings, provider_id: str, key_names: tuple[str, ...]) -> SecretStr | None:
    """Return the provider's key, or None when there is none. May block and imports pydantic.

    Raises:
        ConfigError: the key cannot be sent as it stands, or its command failed.
    """
    found = _raw_key(settings, provider_id, key_names)
    if found is None:
        return None
    value, place, name = found
    from pydantic import SecretStr

    return SecretStr(_checked(value, place, name))


def mask(key: str) -> str:
    """Return *key* for a reader: enough to tell two apart, never enough to use."""
    return f"…{key[-4:]}" if len(key) >= 20 else "…"


def masked_key(settings: Settings, provider_id: str, key_names: tuple[str, ...]) -> str:
    """Return where a variable's key comes from and its masked value, or an empty string."""
    for name in key_names_of(settings, provider_id, key_names):
        if name in settings.keys:
            sealed = settings.keys[name]
            return f"{mask(sealed.reveal())} ({sealed.place})"
    own = settings.providers.get(provider_id)
    if own is not None and own.key_command:
        return f"from the command {own.key_command[0]}"
    return "from the keyring" if own is not None and own.keyring else ""


def _raw_key(
    settings: Settings, provider_id: str, key_names: tuple[str, ...]
) -> tuple[str, Place, str] | None:
    for name in key_names_of(settings, provider_id, key_names):
        if name in settings.keys:
            sealed = settings.keys[name]
            return sealed.reveal(), sealed.place, name
    own = settings.providers.get(provider_id)
    if own is not None and own.key_command:
        place = Place(str(settings.paths.config_file))
        key = f"providers.{provider_id}.key_command"
        return _from_command(own.key_command, place, key), place, key
    value = _from_keyring(provider_id) if own is None or not own.key_command else ""
    return (value, Place("keyring"), provider_id) if value else None


def _checked(value: str, place: Place, name: str) -> str:
    value = value.strip()
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ConfigError(
            "the key holds a space, a line break or a character outside ASCII",
            place=place,
            key=name,
            hint="copy it again; it is not shown here",
        )
    return value


def _from_command(argv: tuple[str, ...], place: Place, key: str) -> str:
    def failed(reason: str) -> ConfigError:
        return ConfigError(f"{argv[0]!r} {reason}", place=place, key=key)

    try:
        done = subprocess.run(  # noqa: S603 - the user's own command, no shell
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        # Not chained: the exception carries the output, which may be the key.
        raise failed(f"gave no key within {COMMAND_SECONDS:g} s") from None
    except OSError as problem:
        raise failed(f"cannot be run ({problem.strerror or 'unknown reason'})") from None
    if done.returncode != 0:
        raise failed(f"ended with status {done.returncode}")
    value = done.stdout.decode("utf-8", "replace").strip()
    if not value:
        raise failed("printed no key")
    return value


def _from_keyring(provider_id: str) -> str:
    if find_spec("keyring") is None:
        return ""
    # An optional package without types, reached only when the user installed it.
    keyring = importlib.import_module("keyring")
    try:
        return str(keyring.get_password(KEYRING_SERVICE, provider_id) or "").strip()
    except Exception as problem:  # noqa: BLE001 - every backend has errors of its own
        raise ConfigError(
            f"the keyring cannot be read ({type(problem).__name__})",
            place=Place("keyring"),
            key=provider_id,
        ) from None
