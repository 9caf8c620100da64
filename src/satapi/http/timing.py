"""Timing: how long each stage of a request took, for the Server-Timing header and the log."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Generator

Stage = Literal["parse", "plan", "db", "render"]


class Timing:
    """Durations in seconds by stage."""

    __slots__ = ("stages",)

    def __init__(self) -> None:
        self.stages: dict[Stage, float] = {}

    @contextmanager
    def stage(self, name: Stage) -> Generator[None]:
        """Adds the time that the block takes to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.stages[name] = self.stages.get(name, 0.0) + time.perf_counter() - start

    def header(self) -> str:
        """The value of Server-Timing, in milliseconds."""
        return ", ".join(f"{name};dur={duration * 1000:.2f}" for name, duration in self.stages.items())
