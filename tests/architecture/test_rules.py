"""Rules of the house that a reader of the source can check."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "flux_tui"
FILES = sorted(PACKAGE.rglob("*.py"))
MARKUP_WIDGETS = {"Static", "Label", "Button"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "ui").rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_only_plain_imports_widgets_that_parse_markup(path: Path) -> None:
    if path.name == "plain.py":
        return
    imported = {
        alias.name
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("textual.widgets")
        for alias in node.names
    }

    assert imported & MARKUP_WIDGETS == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_exception_is_swallowed_in_silence(path: Path) -> None:
    silent = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and len(node.body) == 1
        and isinstance(node.body[0], ast.Pass)
    ]

    assert silent == []


def test_styles_use_theme_variables_only() -> None:
    colour = re.compile(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)|\brgb\(")
    offending = [
        f"{path.name}: {line.strip()}"
        for path in (PACKAGE / "ui" / "styles").glob("*.tcss")
        for line in path.read_text("utf-8").splitlines()
        if ":" in line and colour.search(line.split(":", 1)[1])
    ]

    assert offending == []


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "ui").rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_workers_get_functions_and_no_coroutines(path: Path) -> None:
    """A worker that is ended before it began leaves a coroutine that nobody awaits."""
    tree = ast.parse(path.read_text("utf-8"))

    def is_begun(value: ast.expr) -> bool:
        return isinstance(value, ast.Call) and ast.unparse(value.func) != "partial"

    begun = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and is_begun(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    offending = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "run_worker"
        and (is_begun(node.args[0]) or ast.unparse(node.args[0]) in begun)
    ]

    assert offending == []
