"""Import a vendor's SDK without the thousand modules that it re-exports and nobody here asks for.

`import anthropic` (2.12) runs 3,000 modules and takes 42 MiB; its client needs an eighth of them,
openai's (3.54) a quarter. Here the packages of an SDK look a name up when it is asked for, which is
what their `__init__` modules would have bound; anything else they do happens when a name is asked
for that they do not re-export. So nothing is missing, it comes later.
"""

from __future__ import annotations

import ast
import importlib
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.abc import InspectLoader, Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, resolve_name
from types import ModuleType
from typing import Any, cast

_SDKS = ("anthropic", "openai")
_PARTS = ("types", "resources", "lib")
"""The folders of an SDK whose packages do nothing but re-export."""

_LATE_FUNCTIONS = frozenset({"anthropic.lib._tracing.finish_api_call_span"})
"""Functions that are fetched when they are called: this one closes the spans of OpenTelemetry, if
there are any, and its module takes 6 MiB."""


_PARSING = threading.Lock()
"""CPython counts how deep a syntax tree is for all threads together: two that make one at the same
time fail with "AST constructor recursion depth mismatch" (seen with 3.11.7)."""


def load(name: str) -> Any:
    """Return the SDK *name*; blocks for a quarter of a second the first time.

    Raises:
        ImportError: it is not installed.
    """
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    with _PARSING:  # it parses its own source; nothing that it imports waits for a package of ours
        importlib.import_module("anyio.abc")
    return importlib.import_module(name)


class _Finder(MetaPathFinder):
    """Finds the packages of the SDKs as any import would, and makes them look names up late."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See `MetaPathFinder`."""
        sdk, *inner = fullname.split(".", 2)
        if sdk not in _SDKS or (inner and inner[0] not in _PARTS):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.submodule_search_locations is None:
            return spec  # a module, which runs as it is
        if isinstance(spec.loader, InspectLoader):
            spec.loader = _LateLoader(spec.loader)
        return spec


class _LateLoader(Loader):
    """Runs a package by noting where the names come from that it re-exports."""

    def __init__(self, own: InspectLoader) -> None:
        self._own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """See `Loader`."""
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """See `Loader`."""
        source = self._own.get_source(module.__name__)
        exports = _exports(source) if source is not None else None
        if exports is None:
            self._own.exec_module(module)
            return
        module.__dict__["__getattr__"] = _Names(module, exports, self._own.exec_module)


def _exports(source: str) -> dict[str, tuple[str, str]] | None:
    """Return for each name that a package re-exports the module, relative, and the name there.

    None if a name is also that of the module it comes from: importing that module, by whomever,
    would bind the module under the name.
    """
    found: dict[str, tuple[str, str]] = {}
    with _PARSING:
        tree = ast.parse(source)
    for statement in tree.body:
        if not isinstance(statement, ast.ImportFrom) or not statement.level:
            continue
        place = "." * statement.level + (statement.module or "")
        for alias in statement.names:
            if alias.name == "*":
                continue  # looked for by running the package itself
            name = alias.asname or alias.name
            if name == place.rpartition(".")[2]:
                return None
            found[name] = (place, alias.name)
    return found


class _Names:
    """The `__getattr__` of a package: finds what it re-exports, then its modules, then the rest."""

    def __init__(
        self,
        package: ModuleType,
        exports: dict[str, tuple[str, str]],
        run: Callable[[ModuleType], None],
    ) -> None:
        self._package = package
        self._exports = exports
        self._run = run
        self._ran = False
        self._lock = threading.RLock()

    def __call__(self, name: str) -> object:
        package = self._package.__name__
        if name in self._exports:
            place, there = self._exports[name]
            place = resolve_name(place, package)
            late = f"{package}.{name}" in _LATE_FUNCTIONS
            value = _on_call(place, there) if late else _fetch(place, there)
            setattr(self._package, name, value)
            return value
        if not name.startswith("__") and find_spec(f"{package}.{name}") is not None:
            return importlib.import_module(f"{package}.{name}")
        if not name.startswith("__") or name == "__all__":  # which `import *` asks for
            self._run_package()
            if name in self._package.__dict__ or self._package.__dict__["__getattr__"] is not self:
                return getattr(self._package, name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)

    def _run_package(self) -> None:
        with self._lock:
            if not self._ran:
                self._ran = True
                self._run(self._package)


def _fetch(place: str, name: str) -> object:
    """Return what `from place import name` gives."""
    source = importlib.import_module(place)
    if name in source.__dict__:
        return source.__dict__[name]
    if hasattr(source, "__path__") and find_spec(f"{place}.{name}") is not None:
        return importlib.import_module(f"{place}.{name}")
    return getattr(source, name)


def _on_call(place: str, name: str) -> Callable[..., object]:
    def call(*args: object, **options: object) -> object:
        return cast("Callable[..., object]", _fetch(place, name))(*args, **options)

    return call
