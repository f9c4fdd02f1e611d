"""Small modules, small classes, small functions: a ratchet without waivers."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "flux_tui"
FILES = sorted(PACKAGE.rglob("*.py"))
MODULE_LINES, PUBLIC_METHODS, FUNCTION_LINES = 500, 20, 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_classes_and_functions_stay_small(path: Path) -> None:
    source = path.read_text("utf-8")
    too_large = []
    if (lines := source.count("\n")) > MODULE_LINES:
        too_large.append(f"module: {lines} lines")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > FUNCTION_LINES:
                too_large.append(f"{node.name}: {lines} lines")
        elif isinstance(node, ast.ClassDef):
            public = [
                item.name
                for item in node.body
                if isinstance(item, Function) and not item.name.startswith("_")
            ]
            if len(public) > PUBLIC_METHODS:
                too_large.append(f"{node.name}: {len(public)} public methods")

    assert too_large == []


def test_the_application_class_stays_small() -> None:
    app = PACKAGE / "ui" / "app.py"

    assert app.read_text("utf-8").count("\n") <= 300
