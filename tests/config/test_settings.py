"""Where settings come from, and how wrong ones are refused."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from flux_tui.config.endpoints import LOCAL_IDS
from flux_tui.config.keys import find_key, has_key, mask, masked_key
from flux_tui.config.settings import Settings, load_settings
from flux_tui.config.trust import trust, trusted
from flux_tui.core.errors import ConfigError
from flux_tui.core.usage import Budgets
from flux_tui.session.listings import USUAL_PORTS

ANTHROPIC = ("ANTHROPIC_API_KEY",)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "flux"
    folder.mkdir()
    return folder


@pytest.fixture
def cwd(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def load(home: Path, cwd: Path, overrides: dict[str, str] | None = None, **env: str) -> Settings:
    return load_settings(overrides or {}, {"FLUX_HOME": str(home), **env}, cwd)


def config(home: Path, text: str) -> None:
    (home / "config.toml").write_text(text, "utf-8")


def test_nothing_set_gives_the_defaults(home: Path, cwd: Path) -> None:
    settings = load(home, cwd)

    assert settings.model is None
    assert settings.approval == "ask"
    assert settings.tools_mode == "all"
    assert settings.warnings == ()
    assert list(home.iterdir()) == []


def test_flags_beat_environment_beats_env_file_beats_config(home: Path, cwd: Path) -> None:
    config(home, 'model = "openai/file"\n')
    assert load(home, cwd).model == "openai/file"
    (cwd / ".env").write_text("FLUX_MODEL=openai/dotenv\n")
    assert load(home, cwd).model == "openai/dotenv"
    assert load(home, cwd, FLUX_MODEL="openai/env").model == "openai/env"
    assert load(home, cwd, {"model": "openai/flag"}, FLUX_MODEL="openai/env").model == "openai/flag"


def test_a_key_in_env_file_survives_bom_crlf_dollars_and_spaces(home: Path, cwd: Path) -> None:
    (cwd / ".env").write_bytes(b"\xef\xbb\xbfANTHROPIC_API_KEY=sk-$HOME-${X}  \r\nOTHER=1\r\n")

    settings = load(home, cwd)
    key = find_key(settings, "anthropic", ANTHROPIC)

    assert key is not None
    assert key.get_secret_value() == "sk-$HOME-${X}"
    assert set(settings.keys) == {"ANTHROPIC_API_KEY"}


def test_a_bad_line_is_named_and_the_rest_is_read(home: Path, cwd: Path) -> None:
    (cwd / ".env").write_text("# keys\n\nsk-secret not a line\nOPENAI_API_KEY=abc\n")

    settings = load(home, cwd)

    assert len(settings.warnings) == 1
    assert f"{cwd / '.env'}:3" in settings.warnings[0]
    assert "sk-secret" not in settings.warnings[0]
    assert has_key(settings, "openai", ("OPENAI_API_KEY",))


def test_an_env_file_that_is_not_utf8_is_refused_with_its_line(home: Path, cwd: Path) -> None:
    (cwd / ".env").write_bytes(b"A=1\nOPENAI_API_KEY=\xff\xfe\n")

    with pytest.raises(ConfigError, match=r"\.env:2.*not UTF-8"):
        load(home, cwd)


def test_an_env_file_that_is_a_folder_sets_nothing(home: Path, cwd: Path) -> None:
    (cwd / ".env").mkdir()

    assert load(home, cwd).warnings == ()


def test_a_base_url_from_an_untrusted_folder_is_ignored_with_a_warning(
    home: Path, cwd: Path
) -> None:
    (cwd / ".env").write_text("OPENAI_BASE_URL=https://evil.example/v1\nFLUX_APPROVAL=all\n")

    settings = load(home, cwd)

    assert settings.variables == {}
    assert settings.approval == "ask"
    assert [w for w in settings.warnings if "OPENAI_BASE_URL" in w and "trust" in w]
    assert [w for w in settings.warnings if "FLUX_APPROVAL" in w]


def test_a_base_url_from_a_trusted_folder_counts(home: Path, cwd: Path) -> None:
    (cwd / ".env").write_text("OPENAI_BASE_URL=https://proxy.example/v1/\n")
    paths = load(home, cwd).paths
    trust(cwd, paths)

    settings = load(home, cwd)

    assert trusted(cwd, paths)
    assert not trusted(cwd.parent, paths)
    assert settings.base_url("openai", "OPENAI_BASE_URL", "d") == "https://proxy.example/v1"
    assert settings.base_url("anthropic", "ANTHROPIC_BASE_URL", "d") == "d"


def test_a_damaged_list_of_trusted_folders_trusts_none(home: Path, cwd: Path) -> None:
    paths = load(home, cwd).paths
    trust(cwd, paths)
    paths.trust_file.write_text('["/a", ')

    assert not trusted(cwd, paths)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('\neffort = "hihg"\n', ["config.toml:2", "effort", "minimal", "did you mean 'high'?"]),
        ("temperature = 3\n", ["config.toml:1", "temperature", "from 0 to 2"]),
        ("max_output = 1.5\n", ["max_output", "whole number"]),
        ("model = 5\n", ["model", "text"]),
        ("favourites = [1]\n", ["favourites", "list of texts"]),
        ('favourites = ["claude"]\n', ["config.toml:1: favourites", "write provider/name"]),
        ('favourites = ["opnai/x"]\n', ["favourites", "'opnai'", "did you mean 'openai'?"]),
        ('model = "nowhere/x"\n', ["config.toml:1: model", "there is no provider 'nowhere'"]),
        ('model = "openai/"\n', ["config.toml:1: model", "write provider/name"]),
        ("theme = 3\n", ["config.toml:1: theme", "text"]),
        ('theme = "flux-drak"\n', ["config.toml:1: theme", "did you mean 'flux-dark'?"]),
        ('max_output = "8000"\n', ["max_output", "from 1 to 10,000,000, not a text"]),
        ('tools = "some"\n', ["config.toml:1: tools", "none, read, all"]),
        ("cursor_blink = 1\n", ["cursor_blink", "true or false"]),
        ('demo = "yes"\n', ["demo", "true or false"]),
        ("sim_speed = inf\n", ["sim_speed", "from 0 to 1,000,000"]),
        ("keys = 3\n", ["keys", "must be a table"]),
        ('[keys]\n"pane.tools" = 3\n', ["config.toml:2: keys.pane.tools", "text in quotes"]),
        ('[keys]\npane.tools = "f8"\n', ["config.toml:2", '"pane.tools" = "…"']),
        ("[providers.openai]\nkey_command = []\n", ["config.toml:2", "must name a program"]),
        ('[providers.openai]\nheaders = {"X" = 3}\n', ["config.toml:2", "headers.X", "text"]),
        ('[models."a/b"]\nimages = 1\n', ["config.toml:2: models.a/b.images", "true or false"]),
        ('approval = "yes"\n', ["approval", "ask, read, all, none"]),
        ('provider = "antropic"\n', ["config.toml:1", "did you mean 'anthropic'?"]),
        ("theme = \n", ["config.toml:1", "not TOML"]),
        ('theme = "nord"\nfavourites = [\n', ["config.toml:2", "not TOML", "at end of document"]),
        ("providers = 1\n", ["providers", "table"]),
        ("[providers.box]\nmodels = []\n", ["providers.box.base_url", "is missing"]),
        (
            '[providers.box]\nkind = "openai"\nbase_url = "http://localhost/v1"\n',
            ["config.toml:2", "providers.box.kind", "openai_chat"],
        ),
        (
            '[providers.box]\nbase_url = "localhost:1"\n',
            ["config.toml:2", "base_url", "http or https"],
        ),
        ('[providers.box]\nbase_url = "http://u:p@h/"\n', ["may not carry a user"]),
    ],
)
def test_a_wrong_value_names_file_line_key_and_what_is_accepted(
    home: Path, cwd: Path, text: str, words: list[str]
) -> None:
    config(home, text)

    with pytest.raises(ConfigError) as caught:
        load(home, cwd)

    assert [word for word in words if word not in str(caught.value)] == []
    assert caught.value.exit_status == 2


@pytest.mark.parametrize("name", ["api_key", "key"])
def test_a_key_in_the_config_file_is_refused_without_showing_it(
    home: Path, cwd: Path, name: str
) -> None:
    config(home, f'[providers.anthropic]\n{name} = "sk-canary"\n')

    with pytest.raises(ConfigError) as caught:
        load(home, cwd)

    assert "sk-canary" not in str(caught.value)


def test_a_key_where_its_variable_belongs_is_refused_without_showing_it(
    home: Path, cwd: Path
) -> None:
    config(home, '[providers.anthropic]\nkey_env = "sk-canary"\n')

    with pytest.raises(ConfigError) as caught:
        load(home, cwd)

    assert "sk-canary" not in str(caught.value)


def test_an_unreadable_config_is_one_sentence(home: Path, cwd: Path) -> None:
    (home / "config.toml").mkdir()

    with pytest.raises(ConfigError, match="cannot be read"):
        load(home, cwd)


def test_an_unknown_key_is_warned_of_with_the_near_one(home: Path, cwd: Path) -> None:
    config(home, 'thme = "dark"\n')

    (warning,) = load(home, cwd).warnings

    assert "config.toml:1: thme" in warning
    assert "'theme'" in warning


def test_a_wrong_variable_is_named(home: Path, cwd: Path) -> None:
    with pytest.raises(ConfigError, match="environment variable FLUX_EFFORT"):
        load(home, cwd, FLUX_EFFORT="loud")
    with pytest.raises(ConfigError, match="--effort"):
        load(home, cwd, {"effort": "loud"})
    with pytest.raises(ConfigError, match="FLUX_TEMPERATURE"):
        load(home, cwd, FLUX_TEMPERATURE="nan")


def test_a_compatible_server_is_a_settings_entry(home: Path, cwd: Path) -> None:
    config(
        home,
        '[providers.box]\nkind = "openai_chat"\nbase_url = "http://127.0.0.1:8080/v1"\n'
        'label = "Box"\nkey_env = "BOX_KEY"\nmodels = ["m1", "m2"]\nno_stream_options = true\n'
        'context_window = 8192\nheaders = { X-Team = "a" }\n',
    )

    settings = load(home, cwd, BOX_KEY="k")
    box = settings.providers["box"]

    assert (box.label, box.api, box.base_url) == ("Box", "openai-chat", "http://127.0.0.1:8080/v1")
    assert box.models == ("m1", "m2")
    assert box.options == {"no_stream_options": True, "context_window": 8192}
    assert box.headers == {"X-Team": "a"}
    assert settings.warnings == ()
    assert has_key(settings, "box", ())


def test_plain_http_to_another_machine_is_warned_of(home: Path, cwd: Path) -> None:
    settings = load(home, cwd, OPENAI_BASE_URL="http://example.org/v1")

    assert any("unencrypted" in warning for warning in settings.warnings)


@pytest.mark.parametrize("key", ["sk-a\nX: y", "sk a", "sk-é", "sk-\x00", "sk-\t1"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(
    home: Path, cwd: Path, key: str
) -> None:
    settings = load(home, cwd, ANTHROPIC_API_KEY=key)

    with pytest.raises(ConfigError, match="ANTHROPIC_API_KEY") as caught:
        find_key(settings, "anthropic", ANTHROPIC)

    assert key not in str(caught.value)


@pytest.mark.parametrize("key", ["", "  ", "\n"])
def test_an_empty_key_is_a_missing_key(home: Path, cwd: Path, key: str) -> None:
    settings = load(home, cwd, ANTHROPIC_API_KEY=key)

    assert not has_key(settings, "anthropic", ANTHROPIC)
    assert find_key(settings, "anthropic", ANTHROPIC) is None


def test_a_key_is_stripped_and_shown_by_nothing(home: Path, cwd: Path) -> None:
    secret = "sk-ant-0123456789abcdefWXYZ"
    settings = load(home, cwd, ANTHROPIC_API_KEY=f" {secret}\n")

    key = find_key(settings, "anthropic", ANTHROPIC)

    assert key is not None
    assert key.get_secret_value() == secret
    for shown in (repr(settings), repr(settings.keys), repr(key), str(key)):
        assert secret not in shown
    assert masked_key(settings, "anthropic", ANTHROPIC).startswith("…WXYZ (environment")
    assert mask("short") == "…"


def test_a_command_gives_the_key(home: Path, cwd: Path) -> None:
    config(home, '[providers.anthropic]\nkey_command = ["printf", "sk-cmd\\n"]\n')
    settings = load(home, cwd)

    key = find_key(settings, "anthropic", ANTHROPIC)

    assert has_key(settings, "anthropic", ANTHROPIC)
    assert key is not None
    assert key.get_secret_value() == "sk-cmd"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ('["false"]', "ended with status 1"),
        ('["true"]', "printed no key"),
        ('["/no/such/program"]', "cannot be run"),
        ('["printf", "a b"]', "holds a space"),
    ],
)
def test_a_command_that_gives_no_key_says_why(
    home: Path, cwd: Path, command: str, words: str
) -> None:
    config(home, f"[providers.anthropic]\nkey_command = {command}\n")

    with pytest.raises(ConfigError, match=words):
        find_key(load(home, cwd), "anthropic", ANTHROPIC)


def test_a_command_that_hangs_is_given_up(
    home: Path, cwd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flux_tui.config.keys.COMMAND_SECONDS", 0.1)
    config(home, '[providers.anthropic]\nkey_command = ["sleep", "5"]\n')

    with pytest.raises(ConfigError, match="no key within"):
        find_key(load(home, cwd), "anthropic", ANTHROPIC)


@pytest.mark.parametrize(
    ("text", "env", "blinks"),
    [("", "", True), ("cursor_blink = false\n", "", False), ("cursor_blink = false\n", "1", True)],
)
def test_the_cursor_blinks_unless_it_is_told_not_to(
    home: Path, cwd: Path, text: str, env: str, blinks: bool
) -> None:
    config(home, text)

    assert load(home, cwd, FLUX_CURSOR_BLINK=env).cursor_blink is blinks


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("FLUX_THEME", "nope", "is not one of flux-dark"),
        ("FLUX_EFFORT", "nope", "is not one of off"),
        ("FLUX_APPROVAL", "nope", "is not one of ask"),
        ("FLUX_TOOLS", "nope", "is not one of none"),
        ("FLUX_PROVIDER", "nope", "is not one of anthropic"),
        ("FLUX_MODEL", "nope/x", "there is no provider 'nope'"),
        ("FLUX_TEMPERATURE", "nan", "from 0 to 2"),
        ("FLUX_MAX_OUTPUT", "1.5", "a whole number"),
        ("FLUX_CURSOR_BLINK", "maybe", "must be 1 or 0"),
        ("FLUX_DEMO", "maybe", "must be 1 or 0"),
        ("FLUX_SIM_SPEED", "fast", "must be a number"),
        ("ANTHROPIC_BASE_URL", "nope", "must be an http or https address"),
    ],
)
def test_a_wrong_variable_is_named_with_what_is_accepted(
    home: Path, cwd: Path, name: str, value: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=f"environment variable {name}: .*{words}") as caught:
        load(home, cwd, **{name: value})

    assert caught.value.exit_status == 2


def test_a_wrong_option_is_named_once(home: Path, cwd: Path) -> None:
    with pytest.raises(ConfigError, match=r"^--theme: 'nope' is not one of"):
        load(home, cwd, {"theme": "nope"})


def test_every_server_that_is_looked_for_may_be_named_in_the_settings() -> None:
    assert {name for name, _ in USUAL_PORTS.values()} == set(LOCAL_IDS)


def test_budgets_are_dollars_and_each_may_be_left_out(home: Path, cwd: Path) -> None:
    config(home, "[budget]\nturn = 0.5\nday = 10\nweek = 20\n")

    settings = load(home, cwd)

    assert settings.budgets == Budgets(turn=Decimal("0.5"), day=Decimal(10))
    assert any("budget.week is not a setting" in words for words in settings.warnings)


def test_a_budget_is_an_amount(home: Path, cwd: Path) -> None:
    config(home, '[budget]\nturn = "much"\n')

    with pytest.raises(ConfigError, match="must be a number"):
        load(home, cwd)
