"""The providers a user sets up in `config.toml`: `[providers.NAME]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flux_tui.config.tables import Table
from flux_tui.core.errors import ConfigError, Place
from flux_tui.core.near import did_you_mean
from flux_tui.core.vendors import PROVIDERS

if TYPE_CHECKING:
    from flux_tui.core.models import Api
    from flux_tui.core.usage import JSON

API_OF: dict[str, Api] = {spec.id: spec.api for spec in PROVIDERS.values()}
"""The built-in providers; a table of that name changes them and needs no base URL."""

LOCAL_IDS = ("ollama", "lmstudio", "llamacpp", "vllm", "litellm")
"""What servers on this machine are called that nobody set up."""

KINDS: dict[str, Api] = {spec.api.replace("-", "_"): spec.api for spec in PROVIDERS.values()}

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """One provider's table. `label` and `base_url` are empty when a built-in keeps its own.

    `key_name` is the variable that holds the key, `key_command` the program and arguments that
    print it; `keyring` says that it is kept by the operating system. `options` is what else
    stands in the table, for the adapter of that wire format.
    """

    id: str
    label: str
    api: Api
    base_url: str = ""
    key_name: str = ""
    key_command: tuple[str, ...] = ()
    keyring: bool = False
    models: tuple[str, ...] = ()
    options: Mapping[str, JSON] = field(default_factory=dict[str, "JSON"])
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


def read_providers(table: Table, warnings: list[str]) -> dict[str, ProviderSettings]:
    """Return the providers of the file by id; what deserves a word is added to *warnings*.

    Raises:
        ConfigError: a value is wrong.
    """
    found: dict[str, ProviderSettings] = {}
    for name in table.names():
        if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", name):
            raise table.wrong(name, "a provider's name is made of a-z, 0-9, '.', '_' and '-'")
        found[name] = _provider(name, table.table(name), warnings)
    return found


def check_url(url: str, place: Place, key: str, warnings: list[str]) -> str:
    """Return *url* without a final slash; unencrypted traffic to another machine is warned of.

    Raises:
        ConfigError: it is no http or https address, or carries a user, a query or a fragment.
    """
    hint = "write e.g. http://127.0.0.1:8080/v1"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigError("is not a web address", place=place, key=key, hint=hint) from None
    good = parts.scheme in {"http", "https"} and host and port != 0
    if not good or re.search(r"[^\x21-\x7e]", url):
        raise ConfigError("must be an http or https address", place=place, key=key, hint=hint)
    if parts.username is not None or parts.query or parts.fragment:
        message = "may not carry a user, a query or a fragment"
        raise ConfigError(message, place=place, key=key, hint=hint)
    if parts.scheme == "http" and host not in _LOOPBACK:
        warnings.append(f"{place}: {key}: keys and conversations go to {host} unencrypted")
    return url.rstrip("/")


def _provider(name: str, table: Table, warnings: list[str]) -> ProviderSettings:
    kind = table.choice("kind", tuple(KINDS))
    base_url = table.text("base_url") or ""
    if base_url:
        base_url = check_url(base_url, table.place("base_url"), table.full("base_url"), warnings)
    elif name not in API_OF:
        raise table.wrong("base_url", "is missing", 'write base_url = "http://127.0.0.1:8080/v1"')
    key_name = table.text("key_env") or ""
    if key_name and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key_name):
        # Not repeated in the message: who puts a key itself here must not see it on a screen.
        raise table.wrong("key_env", "must be the name of an environment variable, not a key")
    label = table.text("label") or ("" if name in API_OF else name)
    command = table.texts("key_command")
    if command is not None and not any(command[:1]):
        message = "must name a program and its arguments"
        raise table.wrong("key_command", message, 'write e.g. ["pass", "show", "mybox"]')
    keyring = bool(table.flag("keyring"))
    models = table.texts("models") or ()
    headers = _headers(table.table("headers"))
    return ProviderSettings(
        id=name,
        label=label,
        api=KINDS[kind] if kind else API_OF.get(name, "openai-chat"),
        base_url=base_url,
        key_name=key_name,
        key_command=command or (),
        keyring=keyring,
        models=models,
        options=_options(table, warnings),
        headers=headers,
    )


def _headers(table: Table) -> dict[str, str]:
    headers = table.text_pairs()
    for name, value in headers.items():
        if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not re.fullmatch(r"[\x20-\x7e]*", value):
            raise table.wrong(name, "must be a plain ASCII header without line breaks")
    return headers


def _options(table: Table, warnings: list[str]) -> dict[str, JSON]:
    options = table.rest()
    known = (
        "kind", "base_url", "label", "key_env", "key_command", "keyring", "models", "headers",
    )  # fmt: skip
    for name, value in options.items():
        if not isinstance(value, (bool, int, float, str, list, dict)):
            raise table.wrong(name, "must be a text, a number, true or false, a list or a table")
        if hint := did_you_mean(name, known):
            warnings.append(f"{table.place(name)}: {table.full(name)} is not a setting; {hint}")
        if name in {"api_key", "key"}:
            raise table.wrong(
                name, "keys are not kept in this file", "use key_env, key_command or the keyring"
            )
    return options
