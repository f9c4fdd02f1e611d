"""Whatever stands in the files, loading them ends in settings or in one ConfigError."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from flux_tui.config.keys import find_key
from flux_tui.config.settings import load_settings
from flux_tui.core.errors import ConfigError

WORDS = st.sampled_from(
    ["model", "theme", "effort", "providers", "box", "base_url", "keys", "models", "headers", "x"]
)
VALUES = st.sampled_from(
    ['"a/b"', '"high"', "1", "-0.5", "nan", "true", "[]", '["a"]', "{}", "2020-01-01", '"http://h"']
)
LINES = st.one_of(
    st.builds("{} = {}".format, WORDS, VALUES),
    st.builds("[{}]".format, WORDS),
    st.builds("[providers.{}]".format, WORDS),
    st.builds("[providers.{}.headers]".format, WORDS),
)


def load(config: bytes, env: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.toml").write_bytes(config)
        (Path(folder) / ".env").write_bytes(env)
        try:
            settings = load_settings({}, {"FLUX_HOME": folder}, Path(folder))
            find_key(settings, "anthropic", ("ANTHROPIC_API_KEY",))
        except ConfigError as problem:
            assert problem.message.startswith((folder, "environment"))


@given(st.lists(LINES, max_size=6))
def test_any_toml_is_settings_or_one_sentence(lines: list[str]) -> None:
    load("\n".join(lines).encode(), b"")


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_any_bytes_are_settings_or_one_sentence(config: bytes, env: bytes) -> None:
    load(config, env)


@given(st.text(max_size=40))
def test_any_key_is_usable_or_refused_unseen(key: str) -> None:
    load(b"", f"ANTHROPIC_API_KEY='{key}'".encode("utf-8", "replace"))
