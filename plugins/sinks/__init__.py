"""One file per destination of a finished run. A sink reads the run and its folder, tells somebody, and can be
fed again from the stored run (`appeval emit SINK RUN`): emitting twice gives the same state as once.

A sink is a class registered with `@sink`; its options appear in pytest and in `appeval emit` alike.
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Callable, Mapping
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
    """A command line option of a sink: `flag` (`--publish`), what it takes, what it is for.

    `bare` is its value when it stands alone, for an option that may; then `parse` must refuse what is none of its
    values, because `--mlflow evals/` would swallow the folder. `parse` raises ValueError.
    """

    flag: str
    metavar: str
    help: str
    bare: str | None = None
    parse: Callable[[str], str] | None = None

    @property
    def key(self) -> str:
        return self.flag.removeprefix("--").replace("-", "_")


class Sink(Protocol):
    """`carries` says that it takes files of the run folder elsewhere: it comes after those that write them."""

    name: str
    options: tuple[SinkOption, ...]
    carries: bool
    #: Whether a run of part of the metrics may go there.
    takes_partial: bool

    def wanted(self, options: Options) -> bool:
        """Whether these options ask for this sink."""
        ...

    def warm(self, run_dir: Path, options: Options) -> None:
        """Load what is slow to load. Called where it is wanted and there is nothing else to do; what it raises is not
        the run's trouble: `emit` will meet it again."""
        ...

    def emit(self, run: Run, run_dir: Path, options: Options) -> str:
        """Tell; return one line that says what was done. Raises SinkError or OSError."""
        ...


SINKS: Registry[Sink] = Registry("sink", "plugins.sinks")


def in_order() -> list[Sink]:
    """All sinks, those that carry files away last."""
    return sorted(SINKS, key=lambda each: each.carries)


def add_option(add: Callable[..., object], option: SinkOption) -> None:
    """Add an option of a sink to a parser, of pytest or of argparse, by its `addoption` or `add_argument`."""

    def parsed(text: str) -> str:
        try:
            return option.parse(text) if option.parse is not None else text
        except ValueError as error:
            alone = f"; to give no value, write {option.flag} after the folders" if option.bare is not None else ""
            raise argparse.ArgumentTypeError(f"{error}{alone}") from None

    if option.bare is None:
        add(option.flag, metavar=option.metavar, help=option.help, type=parsed)
    else:
        add(option.flag, metavar=option.metavar, help=option.help, type=parsed, nargs="?", const=option.bare)


def given(sink: Sink, options: Options) -> str:
    """The options of a sink that were given, as one would type them again; what an address holds of credentials is not
    repeated."""
    words = []
    for option in sink.options:
        value = options.get(option.key)
        if value is not None:
            shown = re.sub(r"//[^/@]*@", "//CREDENTIALS@", value)
            words.append(option.flag if value == option.bare else f"{option.flag}={shlex.quote(shown)}")
    return "".join(f" {word}" for word in words)


def sink(cls: type[Sink]) -> type[Sink]:
    value = cls()
    SINKS.add(value.name, value)
    return cls
