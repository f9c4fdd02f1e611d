"""An SDK that is imported without what it re-exports."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest

CLIENTS = {"anthropic": "AsyncAnthropic", "openai": "AsyncOpenAI"}


def run(code: str) -> str:
    """Run *code* in a fresh interpreter; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def made(name: str) -> str:
    """Code that loads an SDK and makes its client."""
    return f"from flux_tui.providers import sdk; s = sdk.load({name!r}); s.{CLIENTS[name]}\n"


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_needs_less_than_half_of_its_sdk(name: str) -> None:
    counting = "import sys; print(len([m for m in sys.modules if m.startswith({!r})]))"

    late = int(run(made(name) + counting.format(f"{name}.")))
    whole = int(run(f"import {name}; {name}.{CLIENTS[name]}\n" + counting.format(f"{name}.")))

    assert late < whole / 2


@pytest.mark.parametrize("name", CLIENTS)
def test_every_name_of_the_sdk_can_still_be_had(name: str) -> None:
    asking = f"""
        import {name}, {name}.types as types
        for module in ({name}, types):
            names = dir(module) if {{whole}} else NAMES[module.__name__]
            print(repr((module.__name__, [n for n in names if n[:1] != "_"])))
            for n in names:
                if n[:1] != "_":
                    getattr(module, n)
    """
    plain = run(dedent(asking).format(whole=True))
    names = "NAMES = dict([" + ",".join(plain.splitlines()) + "])\n"

    late = run(made(name) + names + dedent(asking).format(whole=False))

    assert late == plain
    assert len(plain) > 2_000


def test_a_name_that_is_nowhere_is_no_attribute() -> None:
    told = run(
        made("anthropic")
        + "print(hasattr(s, 'nothing'), hasattr(s.types, 'nothing'), hasattr(s, '__nothing__'))"
    )

    assert told.split() == ["False", "False", "False"]


def test_modules_and_stars_are_imported_as_ever() -> None:
    told = run(
        made("anthropic")
        + "from anthropic import types\n"
        + "from anthropic.types import message_param, MessageParam\n"
        + "from anthropic.types.shared import *\n"
        + "print(types.__name__, message_param.MessageParam is MessageParam, ErrorType)"
    )

    assert told.split()[:2] == ["anthropic.types", "True"]


def test_a_span_is_closed_by_the_function_of_the_sdk() -> None:
    told = run(
        made("anthropic")
        + "import sys\n"
        + "from anthropic.lib._tracing import finish_api_call_span as late\n"
        + "print('anthropic.lib._tracing._api_call' in sys.modules)\n"
        + "import anthropic.lib._tracing._api_call as real\n"
        + "real.finish_api_call_span = lambda *args: args\n"
        + "print(late(1, 2, 3))"
    )

    assert told.split("\n")[:2] == ["False", "(1, 2, 3)"]


def test_packages_can_be_read_in_several_threads_at_once() -> None:
    code = """
        import sys, threading
        from importlib.util import find_spec
        from flux_tui.providers import sdk
        source = find_spec("openai.types").loader.get_source("openai.types")
        failed = []

        class Circle:
            def __init__(self):
                self.me = self

            def __del__(self):  # another thread has its turn when rubbish is collected
                sum(range(50))

        def read():
            try:
                for _ in range(100):
                    Circle()
                    sdk._exports(source)
            except SystemError as problem:
                failed.append(problem)

        sys.setswitchinterval(1e-6)
        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(failed)
    """

    assert run(code) == "[]\n"
