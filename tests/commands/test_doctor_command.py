"""`flux-tui doctor`: everything looked at, no key shown, one status."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from flux_tui.commands import doctor

SECRET = "sk-ant-canary-0123456789abcdef"


def call(*words: str) -> int:
    parser = argparse.ArgumentParser()
    doctor.add_parser(parser.add_subparsers())
    return doctor.run(parser.parse_args(["doctor", *words]))


def findings(capsys: pytest.CaptureFixture[str]) -> dict[tuple[str, str], Any]:
    checks = json.loads(capsys.readouterr().out)["checks"]
    return {(check["area"], check["name"]): check for check in checks}


def test_a_fresh_machine_is_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert call() == 0

    out = capsys.readouterr().out
    for words in ("python", "textual", "endpoint: anthropic", "database", "vocabulary", "terminal"):
        assert words in out
    assert "FAIL" not in out


def test_keys_are_masked_and_their_place_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)

    assert call("--json") == 0

    out = capsys.readouterr()
    assert SECRET not in out.out + out.err
    assert "…cdef (environment variable ANTHROPIC_API_KEY)" in out.out


def test_a_key_that_cannot_be_sent_fails_without_being_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET + " é")

    assert call("--json") == 1

    out = capsys.readouterr()
    assert SECRET not in out.out + out.err
    assert '"fail"' in out.out


def test_a_damaged_database_is_noted(own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = own_home / "flux" / "data"
    data.mkdir(parents=True, mode=0o700)
    (data / "flux.db").write_bytes(b"junk" * 1000)

    assert call("--json") == 0

    (check,) = [c for (area, _), c in findings(capsys).items() if area == "database"]
    assert check["status"] == "note"
    assert "moved to" in check["detail"]


def test_a_database_that_cannot_be_opened_fails(
    own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own_home / "flux").mkdir()
    (own_home / "flux" / "data").write_text("a file where the folder belongs")

    assert call("--json") == 1

    (check,) = [c for (area, _), c in findings(capsys).items() if area == "database"]
    assert check["status"] == "fail"


def test_an_own_server_is_listed(own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = own_home / "flux"
    folder.mkdir()
    (folder / "config.toml").write_text('[providers.box]\nbase_url = "http://127.0.0.1:9/v1"\n')

    assert call("--json") == 0

    found = findings(capsys)
    assert "http://127.0.0.1:9/v1" in found["endpoint", "box"]["detail"]
    assert found["key", "box"]["detail"] == "none needed"


def test_a_folder_is_trusted_from_then_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("OPENAI_BASE_URL=https://proxy.example/v1\n")
    assert call("--json") == 0
    before = findings(capsys)
    assert call("--json", "--trust") == 0
    after = findings(capsys)

    assert "doctor --trust" in before["configuration", "warning"]["detail"]
    assert "api.openai.com" in before["endpoint", "openai"]["detail"]
    assert "proxy.example" in after["endpoint", "openai"]["detail"]
    assert ("configuration", "warning") not in after
