"""Prices and facts of models that a user set."""

from __future__ import annotations

import re
from dataclasses import fields
from decimal import Decimal
from pathlib import Path

import pytest

from flux_tui.config.models import FLAGS
from flux_tui.config.settings import Settings, load_settings
from flux_tui.core.errors import ConfigError
from flux_tui.core.models import Abilities


def load(tmp_path: Path, text: str) -> Settings:
    (tmp_path / "config.toml").write_text(text, "utf-8")
    return load_settings({}, {"FLUX_HOME": str(tmp_path)}, tmp_path)


def test_prices_are_exact_dollars_per_million_tokens(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        '[prices."box/llama"]\ninput = 0.1\noutput = 2\n'
        '[prices."openai/gpt-5.5"]\noutput = "0.30"\ncache_read = 0\n',
    )

    assert settings.prices["box/llama"].input == Decimal("0.1")
    assert settings.prices["box/llama"].output == Decimal(2)
    assert settings.prices["box/llama"].cache_read is None
    assert settings.prices["openai/gpt-5.5"].output == Decimal("0.30")
    assert settings.prices["openai/gpt-5.5"].cache_read == Decimal(0)
    assert settings.warnings == ()


def test_facts_of_a_model_are_set_one_by_one(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        '[models."ollama/qwen3:8b"]\ncontext_window = 32768\nimages = true\ntools = false\n'
        'efforts = ["high", "off"]\n',
    )

    mine = settings.models["ollama/qwen3:8b"]
    assert (mine.context_window, mine.max_output) == (32768, None)
    assert mine.abilities() == {"images": True, "tools": False}
    assert mine.efforts == ("off", "high")


def test_the_abilities_are_those_a_model_has() -> None:
    assert set(FLAGS) == {field.name for field in fields(Abilities)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[prices."box/m"]\ninput = -1\n', ["config.toml:2", "prices.box/m.input", "dollars per"]),
        ('[prices."box/m"]\ninput = nan\n', ["prices.box/m.input", "from 0 to 1,000,000"]),
        ('[prices."box/m"]\ninput = true\n', ["prices.box/m.input", "dollars"]),
        ('[prices."box/m"]\ninput = "cheap"\n', ["prices.box/m.input", "write e.g. 2.5"]),
        ('[prices."box/m"]\ncache_read = 1\n', ["prices.box/m", "neither input nor output"]),
        ("[prices.box]\ninput = 1\n", ["prices.box", "not the name of a model", "quotes"]),
        ("prices = 3\n", ["config.toml:1", "prices", "table"]),
        ('[models."box/m"]\ncontext_window = 0\n', ["models.box/m.context_window", "from 1 to"]),
        ('[models."box/m"]\nimages = "yes"\n', ["models.box/m.images", "true or false"]),
        ('[models."box/m"]\nefforts = ["huge"]\n', ["models.box/m.efforts", "'huge'", "minimal"]),
        ("[models.box]\nimages = true\n", ["models.box", "not the name of a model"]),
    ],
)
def test_a_wrong_override_is_one_sentence(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)

    assert [word for word in words if word not in str(caught.value)] == []
    assert "\n" not in str(caught.value)


def test_an_unknown_name_is_warned_of_with_the_near_one(tmp_path: Path) -> None:
    settings = load(tmp_path, '[models."box/m"]\nimage = true\n')

    (warning,) = settings.warnings
    assert "config.toml:2" in warning
    assert "models.box/m.image is not a setting" in warning
    assert "did you mean 'images'?" in warning


def test_the_documented_file_is_read_without_a_warning(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text("utf-8")
    (block,) = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)

    settings = load(tmp_path, block)

    assert settings.warnings == ()
    assert settings.prices["mybox/llama-4"].cache_read == Decimal("0.02")
    assert settings.models["mybox/llama-4"].images is True
    assert settings.model == "anthropic/claude-sonnet-5-5"
