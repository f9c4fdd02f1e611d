"""What the benchmark asks the kernel, also where the kernel does not say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import machine


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kernel's own files, of which a test writes what it needs."""
    for process in ("self", "7"):
        (tmp_path / process).mkdir()
    monkeypatch.setattr(machine, "PROC", tmp_path)
    return tmp_path


def test_a_session_is_weighed_up_once_it_is_one_of_its_own(proc: Path) -> None:
    (proc / "self/autogroup").write_text("/autogroup-1 nice 0\n")
    (proc / "7/autogroup").write_text("/autogroup-2 nice 0\n")

    machine.prefer(7)

    assert (proc / "7/autogroup").read_text() == machine.WEIGHT
    assert (proc / "self/autogroup").read_text() == "/autogroup-1 nice 0\n"


def test_a_weight_is_given_back(proc: Path) -> None:
    (proc / "self/autogroup").write_text("/autogroup-1 nice 3\n")

    with machine.preferred():
        assert (proc / "self/autogroup").read_text() == machine.WEIGHT

    assert (proc / "self/autogroup").read_text() == "3"


def test_where_a_control_group_weighs_the_kernel_says_nothing(proc: Path) -> None:
    for process in ("self", "7"):
        (proc / process / "autogroup").write_text("")

    machine.prefer(7)
    with machine.preferred():
        assert (proc / "self/autogroup").read_text() == ""

    assert (proc / "7/autogroup").read_text() == ""


def test_a_kernel_without_such_weights_is_left_alone(proc: Path) -> None:
    machine.prefer(7)
    with machine.preferred():
        pass

    assert not list(proc.glob("*/autogroup"))
