"""Where MLflow keeps things: a database in the project's folder, a server, or a workspace; opened when it is used."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import secrets
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fixtures.app import slug_of
from reports.text import plain

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.tracing.client import TracingClient

EXPERIMENT = "appeval"
STAGING = "-staging"
#: Traces of apps and generations that are not in the experiment of the evaluations: names of experiments, by commas.
ELSEWHERE = "APPEVAL_TRACE_EXPERIMENTS"
_SQLITE = "sqlite:///"
_DEADLINE = 600.0
_ADDRESS = re.compile(r"sqlite:|https?://|(?:postgresql|mysql|mssql)(?:\+\w+)?://|databricks(?::|$)")
#: Two defaults lose data on SQLite without a word: whatever the environment says, not here.
_FORCED = {"MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false", "MLFLOW_GENAI_EVAL_PREDICT_RATE_LIMIT": "0"}
#: By default usage is reported, and a server that is down asked for four minutes.
_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


class TrackingError(Exception):
    """MLflow could not be reached, refused, or lost something. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Destination:
    """`uri` as MLflow takes it. `staging` keeps trials apart from what counts: in an experiment of their own."""

    uri: str
    experiment: str
    staging: bool = False

    @property
    def experiment_name(self) -> str:
        return f"{self.experiment}{STAGING}" if self.staging else self.experiment

    @property
    def database(self) -> Path | None:
        """The file of a database that we open ourselves."""
        return Path(self.uri.removeprefix(_SQLITE)) if self.uri.startswith(_SQLITE) else None

    @property
    def databricks(self) -> bool:
        return self.uri == "databricks" or self.uri.startswith("databricks:")

    def shown(self) -> str:
        """The address without what it holds of credentials."""
        if self.database is not None:
            return self.uri
        address, _, question = self.uri.partition("?")  # drivers take a password there, too
        held = r"//[^/]*@" if address.startswith("http") else r"//.*@"  # a database's may hold a slash
        return re.sub(held, "//", address) + ("?…" if question else "")


def destination_of(
    project: Path, uri: str | None = None, experiment: str | None = None, *, staging: bool = False
) -> Destination:
    """The place that was asked for; else what `MLFLOW_TRACKING_URI` and `MLFLOW_EXPERIMENT_NAME` say; else `mlflow.db`
    in the project's folder. `default` stands for no address."""
    given = "" if uri in (None, "", "default") else str(uri)
    found = given or os.environ.get("MLFLOW_TRACKING_URI", "") or f"{_SQLITE}{project / 'mlflow.db'}"
    if found.startswith(_SQLITE) and not found.startswith(f"{_SQLITE}/"):
        found = f"{_SQLITE}{(project / found.removeprefix(_SQLITE)).resolve()}"
    elif found.startswith("sqlite:") and not found.startswith(f"{_SQLITE}/"):  # in memory: gone when we end
        raise TrackingError(f"{found!r} names no file: give sqlite:///FILE.db")
    elif _ADDRESS.match(found) is None:
        raise TrackingError(
            f"{found!r} is no address of MLflow's: give sqlite:///FILE.db, http://HOST:PORT, or databricks"
        )
    name = experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
    if found.startswith("databricks") and not name.startswith("/"):
        name = f"/Shared/{name}"  # a workspace wants a path
    return Destination(found, name, staging)


@dataclass(slots=True)
class Store:
    """An open store. `experiment_id` is that of the destination; `until` is when patience ends (monotonic seconds)."""

    destination: Destination
    client: MlflowClient
    tracing: TracingClient
    experiment_id: str
    until: float
    _names: dict[str, str] = field(default_factory=dict)

    def in_time(self) -> None:
        """Raises TrackingError when this has taken too long: what is slow must end, too."""
        if time.monotonic() > self.until:
            raise TrackingError(f"{self.destination.shown()} is too slow: not done after {_DEADLINE:g} s")

    def trace_locations(self) -> list[str]:
        """Ids of the experiments in which traces are looked for: ours first."""
        found = [self.experiment_id]
        for name in filter(None, (part.strip() for part in os.environ.get(ELSEWHERE, "").split(","))):
            experiment = self.client.get_experiment_by_name(name)
            if experiment is None:
                raise TrackingError(f"{ELSEWHERE}: there is no experiment {name!r} at {self.destination.shown()}")
            found.append(str(experiment.experiment_id))
        return list(dict.fromkeys(found))


_OPENING = threading.Lock()


def prepare() -> None:
    """The environment that mlflow reads when it is imported and used."""
    os.environ.update(_FORCED)
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)


def project_of(run_dir: Path) -> Path:
    """The project that a run belongs to: whose `runs/` it lies in, else the current folder."""
    above = run_dir.resolve().parent
    return above.parent if above.name == "runs" else Path.cwd()


@contextmanager
def open_store(destination: Destination) -> Iterator[Store]:
    """Open it, making database and experiment where they are missing. A database file is ours alone meanwhile: two
    processes that make one at once leave it unusable. Whatever MLflow raises within becomes a TrackingError."""
    prepare()
    with _OPENING, _alone(destination), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what MLflow uses of its libraries is not for our users to mend
        with translated(destination):
            yield _opened(destination)


def _opened(destination: Destination) -> Store:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
    import mlflow
    from mlflow.tracing.client import TracingClient

    if destination.database is not None and not destination.database.exists():
        _make_database(destination.database)
    mlflow.set_tracking_uri(destination.uri)
    client = mlflow.MlflowClient(destination.uri)
    name = destination.experiment_name
    experiment = client.get_experiment_by_name(name)
    if experiment is not None and experiment.lifecycle_stage != "active":
        raise TrackingError(f"the experiment {name!r} at {destination.shown()} was deleted: restore it or name another")
    identity = experiment.experiment_id if experiment is not None else _make_experiment(client, destination)
    mlflow.set_experiment(experiment_id=str(identity))
    return Store(destination, client, TracingClient(destination.uri), str(identity), time.monotonic() + _DEADLINE)


def _make_database(path: Path) -> None:
    """Aside, and then in its place: one that was left half made (a full disk, a kill) can never be opened again."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    make: Any = SqlAlchemyStore  # it is not typed
    for left in path.parent.glob(f".{path.name}.*.new"):  # of one that was killed
        left.unlink(missing_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")  # its engines are remembered by name
    try:
        made = make(f"{_SQLITE}{temporary}", (path.parent / f"{path.stem}-artifacts").as_uri())
        made.engine.dispose()
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _make_experiment(client: MlflowClient, destination: Destination) -> str:
    """On a bare database artifacts would go to ./mlruns of whoever happens to run."""
    folder = destination.database
    kept = slug_of(destination.experiment_name)  # a workspace's names are paths
    place = None if folder is None else folder.parent / f"{folder.stem}-artifacts" / kept
    return str(
        client.create_experiment(
            destination.experiment_name, artifact_location=place.as_uri() if place is not None else None
        )
    )


@contextmanager
def _alone(destination: Destination) -> Iterator[None]:
    path = destination.database
    if path is None:
        yield
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.with_name(f".{path.name}.lock").open("a")
    except OSError as error:
        raise TrackingError(f"{path}: {error.strerror or error}; give another place with --mlflow=URI") from None
    with stream:
        until = time.monotonic() + _DEADLINE
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise TrackingError(f"another process has held {path} for {_DEADLINE:g} s") from None
                time.sleep(0.1)
        yield


@contextmanager
def translated(destination: Destination) -> Iterator[None]:
    """What MLflow, its database or its network raise, as one type."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise TrackingError(f"MLflow at {destination.shown()}: {plain(_words(error, destination), 400)}") from error


def _words(error: Exception, destination: Destination) -> str:
    """What it says, without the credentials of the address, which MLflow repeats."""
    text = str(error).partition("\n[SQL")[0].partition("(Background on")[0]
    if "Max retries exceeded" in text or "Connection refused" in text:
        seconds = os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"]
        return f"it does not answer within {seconds} s" if "timed out" in text else "nobody answers there"
    if "file is not a database" in text:
        text += ": move that file away, or give another with --mlflow=URI"
    return text.replace(destination.uri.rstrip("/"), destination.shown().rstrip("/")) or type(error).__name__
