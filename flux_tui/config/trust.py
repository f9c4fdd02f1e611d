"""The folders whose `.env` may redirect requests or grant permissions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

from flux_tui.config.paths import Paths, private_dir
from flux_tui.core.errors import ConfigError, Place


def trusted_folders(paths: Paths) -> tuple[str, ...]:
    """Return the folders the user trusts, absolute and resolved; a damaged list trusts none."""
    try:
        text = paths.trust_file.read_text("utf-8")
    except (OSError, ValueError):
        return ()
    import json  # here: without a list nothing waits for it

    try:
        found: object = json.loads(text)
    except ValueError:
        return ()
    if not isinstance(found, list):
        return ()
    return tuple(item for item in cast("list[object]", found) if isinstance(item, str))


def trusted(folder: Path, paths: Paths) -> bool:
    """Return whether the user trusts exactly *folder*; a parent's trust does not reach down."""
    return str(folder.resolve()) in trusted_folders(paths)


def trust(folder: Path, paths: Paths) -> None:
    """Trust *folder* from now on.

    Raises:
        ConfigError: the list cannot be written.
    """
    import json

    known = sorted({*trusted_folders(paths), str(folder.resolve())})
    target = paths.trust_file
    fresh = target.with_suffix(".new")
    try:
        private_dir(paths.config_dir)
        # Written beside and moved over: a crash leaves the old list, never half of one.
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(known, indent=2) + "\n")
        fresh.replace(target)
    except OSError as problem:
        reason = problem.strerror or "unknown reason"
        raise ConfigError(
            f"cannot be written ({reason})", place=Place(str(target)), key="trusted folders"
        ) from problem
