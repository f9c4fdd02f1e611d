"""Print the development requirements of pyproject.toml, one a line, for pip."""

import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))
print("\n".join(f"'{requirement}'" for requirement in project["dependency-groups"]["dev"]))
