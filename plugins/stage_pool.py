"""The stages of apps for whoever judges outside pytest: one set per app, shared by all that ask, a few apps at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fixtures.app import App, content_digest
from fixtures.discovery import discover
from fixtures.errors import BadInput, Cancelled, Unmeasured
from fixtures.evidence import Evidence
from fixtures.machine import Machine
from fixtures.sandbox import SANDBOXES
from fixtures.settings import Settings
from fixtures.stages.engine import StageEngine

#: Apps whose stages run at once: their commands share the machine's slots anyway.
_MOST_AT_ONCE = 2


class StagePool:
    """`needs` are the stages that anybody may ask for: they run together, once for each app, and the app's copy is gone
    when they have ended. Thread-safe. Close it to end what still runs."""

    def __init__(
        self, settings: Settings, needs: Iterable[str], say: Callable[[str], None] = lambda _words: None
    ) -> None:
        self.settings = settings
        self._needs = tuple(dict.fromkeys(needs))
        self._say = say
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(_MOST_AT_ONCE)
        self._machine: Machine | None = None
        self._apps: dict[Path, App] = {}
        self._taken: dict[str, Path] = {}
        self._asked: dict[Path, threading.Lock] = {}
        self._known: dict[Path, Evidence] = {}
        self._engines: set[StageEngine] = set()
        self._closed = False

    def __enter__(self) -> StagePool:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def app(self, folder: Path, content_hash: str | None = None) -> App:
        """The app in a folder. Raises Unmeasured where it is gone, holds something else than `content_hash` says, or
        where another app of this pool has its name."""
        path = folder.resolve()
        with self._lock:
            app = self._apps.get(path)
        if app is None:
            app = _found(path, self.settings.project)
        with self._lock:
            other = self._taken.setdefault(app.slug, path)
            self._apps[path] = app
        if other != path:
            raise Unmeasured("unmeasured.app_name", f"{other} and {path} have one name, and evidence is kept by name")
        if content_hash and content_digest(app.root) != content_hash:
            raise Unmeasured("unmeasured.app_changed", f"{path} holds something else than the record says")
        return app

    def evidence(self, app: App) -> Evidence:
        """What the stages of an app left; the first who asks has them run. Raises Cancelled when the pool is closed
        meanwhile."""
        with self._lock:
            turn = self._asked.setdefault(app.path, threading.Lock())
        with turn:
            known = self._known.get(app.path)
            if known is None:
                with self._turns:
                    known = self._known[app.path] = self._run(app)
            return known

    def warm(self, apps: Iterable[App]) -> None:
        """Run the stages of these apps now, some at once."""
        with ThreadPoolExecutor(_MOST_AT_ONCE) as workers:
            for _ in workers.map(self.evidence, apps):
                pass

    def _run(self, app: App) -> Evidence:
        with self._lock:
            if self._closed:
                raise Cancelled("the stages of apps that are judged were ended")
            machine = self._machine = self._machine or self._start()
            engine = StageEngine(app, 1, machine)
            self._engines.add(engine)
        try:
            engine.start(self._needs)
            return engine.evidence(self._needs)
        finally:
            engine.close()
            with self._lock:
                self._engines.discard(engine)

    def _start(self) -> Machine:
        self.settings.run_dir.mkdir(parents=True, exist_ok=True)
        machine = Machine(self.settings, keeper=True)
        machine.keep()
        housekeeping = SANDBOXES[self.settings.sandbox].housekeeping
        if housekeeping is not None:
            housekeeping.prepare(self.settings, self._say)
        return machine

    def close(self) -> None:
        """End what still runs and remove the copies. Idempotent."""
        with self._lock:
            self._closed = True
            engines = list(self._engines)
            machine, self._machine = self._machine, None
        for engine in engines:
            engine.close()
        if machine is not None:
            machine.close()


def _found(path: Path, project: Path) -> App:
    try:
        found: Any = discover([str(path)], project).apps
    except BadInput as error:
        why = f": {error}" if path.is_dir() else ""
        raise Unmeasured("unmeasured.app_gone", f"no app at {path}{why}") from None
    app: App | None = next((one for one in found if one.path == path), None)
    if app is None:
        raise Unmeasured("unmeasured.app_gone", f"no app at {path}")
    return app
