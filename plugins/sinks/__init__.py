"""One file per destination of a finished run. A sink reads the run and its folder, tells somebody, and can be
fed again from the stored run (`appeval emit SINK RUN`): emitting twice gives the same state as once.

A sink is a class registered with `@sink`; its options appear in pytest and in `appeval emit` alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fixtures.registry import Registry
from reports.model import Run

Options = Mapping[str, str | None]


class SinkError(Exception):
    """A sink could not do its work; the run is on disk and can be emitted again. The message says how."""


@dataclass(frozen=True, slots=True)
class SinkOption:
    """A command line option of a sink: `flag` (`--publish`), what it takes, what it is for."""

    flag: str
    metavar: str
    help: str

    @property
    def key(self) -> str:
        return self.flag.removeprefix("--").replace("-", "_")


class Sink(Protocol):
    name: str
    options: tuple[SinkOption, ...]
    #: Whether a run of part of the metrics may go there.
    takes_partial: bool

    def wanted(self, options: Options) -> bool:
        """Whether these options ask for this sink."""
        ...

    def emit(self, run: Run, run_dir: Path, options: Options) -> str:
        """Tell; return one line that says what was done. Raises SinkError or OSError."""
        ...


SINKS: Registry[Sink] = Registry("sink", "plugins.sinks")


def sink(cls: type[Sink]) -> type[Sink]:
    value = cls()
    SINKS.add(value.name, value)
    return cls
