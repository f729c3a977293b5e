"""The stages of apps for whoever judges outside pytest: one set per app, shared by all that ask, a few apps at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from fixtures.app import App, content_digest
from fixtures.discovery import discover
from fixtures.errors import BadInput, Unmeasured
from fixtures.evidence import Evidence
from fixtures.machine import Machine
from fixtures.sandbox import SANDBOXES
from fixtures.settings import Settings
from fixtures.stages.engine import StageEngine

#: Copies of apps that are kept while others are judged.
_MOST_OPEN = 4


class StagePool:
    """`needs` are the stages that anybody may ask for: they are started together at an app's first question, and each
    runs once. Thread-safe. Close it: an app's copy and servers live as long as it is open, or until others come."""

    def __init__(
        self, settings: Settings, needs: Iterable[str], say: Callable[[str], None] = lambda _words: None
    ) -> None:
        self.settings = settings
        self._needs = tuple(dict.fromkeys(needs))
        self._say = say
        self._lock = threading.Lock()
        self._machine: Machine | None = None
        self._apps: dict[Path, App] = {}
        self._engines: dict[Path, StageEngine] = {}
        self._asking: dict[Path, int] = {}

    def __enter__(self) -> StagePool:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def app(self, folder: Path, content_hash: str | None = None) -> App:
        """The app in a folder. Raises Unmeasured where it is gone, or holds something else than `content_hash` says."""
        path = folder.resolve()
        with self._lock:
            app = self._apps.get(path)
        if app is None:
            app = _found(path, self.settings.project)
            with self._lock:
                self._apps[path] = app
        if content_hash and content_digest(app.root) != content_hash:
            raise Unmeasured("unmeasured.app_changed", f"{path} holds something else than the record says")
        return app

    def evidence(self, app: App, names: Iterable[str]) -> Evidence:
        """Wait for these stages of an app. Raises Cancelled when the pool is closed meanwhile."""
        wanted = list(names)
        path = app.path
        with self._lock:
            engine = self._engines.get(path) or self._open(app)
            self._asking[path] = self._asking.get(path, 0) + 1
        try:
            return engine.evidence(wanted)
        finally:
            with self._lock:
                self._asking[path] -= 1

    def _open(self, app: App) -> StageEngine:
        """Called with the lock."""
        if self._machine is None:
            self.settings.run_dir.mkdir(parents=True, exist_ok=True)
            self._machine = Machine(self.settings, keeper=True)
            self._machine.keep()
            housekeeping = SANDBOXES[self.settings.sandbox].housekeeping
            if housekeeping is not None:
                housekeeping.prepare(self.settings, self._say)
        for path in [p for p in self._engines if not self._asking.get(p)][: len(self._engines) - _MOST_OPEN + 1]:
            self._engines.pop(path).close()
        engine = StageEngine(app, 1, self._machine)
        engine.start(self._needs)
        self._engines[app.path] = engine
        return engine

    def close(self) -> None:
        """End what still runs and remove the copies. Idempotent."""
        with self._lock:
            engines, self._engines = list(self._engines.values()), {}
            machine, self._machine = self._machine, None
        for engine in engines:
            engine.close()
        if machine is not None:
            machine.close()


def _found(path: Path, project: Path) -> App:
    try:
        found: Any = discover([str(path)], project).apps
    except BadInput as error:
        raise Unmeasured("unmeasured.app_gone", f"no app at {path}: {error}") from None
    app: App | None = next((one for one in found if one.path == path), None)
    if app is None:
        raise Unmeasured("unmeasured.app_gone", f"no app at {path}")
    return app
