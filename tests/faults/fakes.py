"""A fake, instant stack and fake stages for tests of the stage engine, registered for one test and taken away again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fixtures.app import App
from fixtures.machine import Machine
from fixtures.settings import Settings
from fixtures.stacks.base import BuildPlan, CommandPlan, Installer, Stack, TestSuite, TypeChecker
from fixtures.stages import STAGES, StageSpec
from fixtures.stages.context import StageContext


class FakeStack(Stack):
    """An app of no real kind: nothing is installed, built or started."""

    name = "fake"

    def recognise(self, root: Path) -> str | None:
        return "always"

    def installers(self, root: Path) -> Sequence[Installer]:
        return ()

    def checkers(self, root: Path) -> Sequence[TypeChecker]:
        return ()

    def suites(self, root: Path) -> Sequence[TestSuite]:
        return ()

    def build(self, root: Path) -> BuildPlan:
        return BuildPlan((), (), ())

    def start(self, root: Path) -> CommandPlan:
        return CommandPlan(("true",))

    def server_sources(self, root: Path) -> Sequence[Path]:
        return ()


def fake_app(folder: Path, name: str = "fake-app") -> App:
    root = folder / name
    root.mkdir(parents=True, exist_ok=True)
    (root / "main.ts").write_text("export const answer = 42;\n")
    return App(name, name, root, root, FakeStack(), "a fake", None, {}, None, ())


def machine_in(folder: Path, *, slots: int = 2) -> Machine:
    settings = Settings(
        project=folder,
        run_dir=folder / "run",
        work_dir=folder / "w",
        cache_dir=folder / "cache",
        lock_dir=folder / "locks",
        cpu_slots=slots,
    )
    for made in (settings.run_dir, folder / "locks"):
        made.mkdir(exist_ok=True)
    return Machine(settings, keeper=True)


@contextmanager
def stages(*specs: StageSpec) -> Iterator[None]:
    """Declare stages for the time of a test."""
    STAGES.names()  # everything real is loaded first, so that it is not mistaken for ours
    for spec in specs:
        STAGES.add(spec.name, spec)
    try:
        yield
    finally:
        for spec in specs:
            del STAGES._values[spec.name]


def spec(
    name: str,
    run: Callable[[StageContext], object] = lambda _context: None,
    *,
    needs: Sequence[str] = (),
    after: Sequence[str] = (),
    limit: float = 20.0,
    cpu: bool = False,
    live: bool = False,
    available: str | None = None,
) -> StageSpec:
    """A declaration like `@stage` makes; what `run` returns does not matter."""

    def stage(context: StageContext) -> None:
        run(context)

    return StageSpec(name, stage, tuple(needs), tuple(after), limit, cpu, live, "none", lambda _settings: available)
