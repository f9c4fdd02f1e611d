"""Where configuration, data, cache and state live."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

APP = "flux-tui"


@dataclass(frozen=True, slots=True)
class Paths:
    """The four folders of the program; none is made by looking them up."""

    config_dir: Path
    data_dir: Path
    cache_dir: Path
    state_dir: Path

    @property
    def config_file(self) -> Path:
        """The user's settings."""
        return self.config_dir / "config.toml"

    @property
    def trust_file(self) -> Path:
        """The folders the user trusts, one JSON list."""
        return self.config_dir / "trusted.json"

    @property
    def database(self) -> Path:
        """The conversations."""
        return self.data_dir / "flux.db"


def find_paths(environ: Mapping[str, str]) -> Paths:
    """Return the folders: all below FLUX_HOME when that is set, else where the platform has them.

    The XDG variables are read from the process by platformdirs, the rest from *environ*.
    """
    home = environ.get("FLUX_HOME", "").strip()
    if home:
        root = Path(home).expanduser().absolute()
        return Paths(root, root / "data", root / "cache", root / "state")
    import platformdirs

    return Paths(
        platformdirs.user_config_path(APP),
        platformdirs.user_data_path(APP),
        platformdirs.user_cache_path(APP),
        platformdirs.user_state_path(APP),
    )


def private_dir(path: Path) -> str:
    """Make *path* a folder only its owner can enter; return a warning, or an empty string.

    Parents that are missing are made with the user's usual mode.

    Raises:
        OSError: the folder cannot be made.
    """
    if not path.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        return ""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return f"{path} can be read by others (mode {mode:o}); run: chmod 700 {path}"
    return ""
