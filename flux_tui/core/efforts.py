"""The neutral scale of reasoning effort: apart, because settings need it before any model."""

from __future__ import annotations

from typing import Literal, TypeAlias

Effort: TypeAlias = Literal["off", "minimal", "low", "medium", "high", "xhigh", "max"]
"""One neutral scale of reasoning effort, lowest first; snapped to each model's own levels."""

EFFORTS: tuple[Effort, ...] = ("off", "minimal", "low", "medium", "high", "xhigh", "max")
