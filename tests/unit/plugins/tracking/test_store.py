"""Where MLflow keeps things: which address wins, what opening one makes, and what is said when it cannot be opened."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from plugins.tracking.runs import TABLE, write_run
from plugins.tracking.store import Destination, TrackingError, destination_of, open_store, project_of
from tests.mlflow_server import free_port
from tests.stored import stored_run


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "APPEVAL_TRACE_EXPERIMENTS"):
        monkeypatch.delenv(name, raising=False)


# ---------------------------------------------------------------------- which one


def test_the_argument_wins_then_the_environment_then_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = f"sqlite:///{tmp_path}/mlflow.db"
    assert destination_of(tmp_path) == Destination(own, "appeval")
    for nothing in (None, "", "default"):
        assert destination_of(tmp_path, nothing).uri == own
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://server:5000")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "theirs")
    for nothing in (None, "", "default"):
        assert destination_of(tmp_path, nothing) == Destination("http://server:5000", "theirs")
    assert destination_of(tmp_path, "https://other", "mine") == Destination("https://other", "mine")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    assert destination_of(tmp_path).uri == own


def test_trials_have_an_experiment_of_their_own(tmp_path: Path) -> None:
    assert destination_of(tmp_path).experiment_name == "appeval"
    assert destination_of(tmp_path, staging=True).experiment_name == "appeval-staging"
    assert destination_of(tmp_path, "databricks", "x", staging=True).experiment_name == "/Shared/x-staging"


@pytest.mark.parametrize(
    ("uri", "file"),
    [
        ("sqlite:///some.db", "some.db"), ("sqlite:///deep/some.db", "deep/some.db"), ("sqlite:///../up.db", "../up.db"),
        ("sqlite:///./some.db", "some.db"),
    ],
)  # fmt: skip
def test_a_relative_database_lies_in_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str, file: str
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(tmp_path)
    assert destination_of(project, uri).database == (project / file).resolve()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert destination_of(project).database == (project / file).resolve()


def test_an_absolute_database_stays_where_it_is(tmp_path: Path) -> None:
    assert destination_of(tmp_path, "sqlite:////data/some.db").database == Path("/data/some.db")
    assert destination_of(tmp_path, "http://server").database is None


@pytest.mark.parametrize(
    "uri", ["mlruns", "./mlruns", "/data/mlruns", "some.db", "localhost:5000", "Databricks", "default2", " "]
)
def test_what_is_no_address_is_refused(tmp_path: Path, uri: str) -> None:
    with pytest.raises(
        TrackingError, match=r"is no address of MLflow's: give sqlite:///FILE\.db, http://HOST:PORT, or databricks"
    ):
        destination_of(tmp_path, uri)


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:some.db", "sqlite:", "sqlite:/some.db"])
def test_a_database_without_a_file_is_refused(tmp_path: Path, uri: str) -> None:
    """MLflow would take a database in memory, which is gone when we end."""
    with pytest.raises(TrackingError, match="names no file"):
        destination_of(tmp_path, uri)


@pytest.mark.parametrize(
    ("uri", "name", "wanted"),
    [
        ("databricks", None, "/Shared/appeval"), ("databricks://profile", "x", "/Shared/x"), ("databricks:", "x", "/Shared/x"),
        ("databricks", "/Users/ann/x", "/Users/ann/x"), ("http://server", "x", "x"),
    ],
)  # fmt: skip
def test_a_workspace_wants_a_path(tmp_path: Path, uri: str, name: str | None, wanted: str) -> None:
    found = destination_of(tmp_path, uri, name)
    assert found.experiment == wanted
    assert found.databricks is uri.startswith("databricks")


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://ann:s3cret@server:5000", "http://server:5000"),
        ("https://ann:s3@cret@server:5000/x", "https://server:5000/x"),
        ("https://t0ken-s3cret@server/", "https://server/"),
        ("http://server:5000/a@b", "http://server:5000/a@b"),
        ("postgresql://ann:s3/cret@host/db", "postgresql://host/db"),
        ("mysql+pymysql://ann:s3@cret@host/db", "mysql+pymysql://host/db"),
        ("postgresql://host/db?user=ann&password=s3cret", "postgresql://host/db?…"),
        ("sqlite:////data/a@b/mlflow.db", "sqlite:////data/a@b/mlflow.db"),
        ("databricks://profile", "databricks://profile"),
    ],
)
def test_credentials_are_not_shown(uri: str, shown: str) -> None:
    assert Destination(uri, "x").shown() == shown


def test_the_project_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert project_of(tmp_path / "p/runs/2026") == tmp_path / "p"
    assert project_of(tmp_path / "elsewhere/2026") == tmp_path
    (tmp_path / "p/runs/2026").mkdir(parents=True)
    (tmp_path / "p/runs/latest").symlink_to("2026")
    assert project_of(tmp_path / "p/runs/latest") == tmp_path / "p"
    assert project_of(Path("p/runs/2026")) == tmp_path / "p"


# ---------------------------------------------------------------------- opening


def test_artifacts_lie_beside_the_database(place: Destination, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    run, run_dir = stored_run(tmp_path, ["good"])
    with open_store(place) as store:
        written = write_run(store, run, run_dir)
    assert (tmp_path / "mlflow-artifacts/appeval" / written.run_id / "artifacts" / TABLE).is_file()
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("name", ["/Shared/appeval", "../../up", "größe #1?"])
def test_artifacts_of_an_experiment_with_an_odd_name(place: Destination, tmp_path: Path, name: str) -> None:
    with open_store(Destination(place.uri, name)) as store:
        found = store.client.get_experiment(store.experiment_id)
        run = store.client.create_run(store.experiment_id)
        store.client.log_text(run.info.run_id, "text", "file.txt")
    assert found.name == name
    (file,) = (tmp_path / "mlflow-artifacts").rglob("file.txt")
    assert file.read_text() == "text"


def test_what_must_be_is_forced_and_what_should_be_is_a_default(
    place: Destination, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "true")
    monkeypatch.setenv("MLFLOW_GENAI_EVAL_PREDICT_RATE_LIMIT", "10")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7")
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)
    with open_store(place):
        assert os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] == "false"
        assert os.environ["MLFLOW_GENAI_EVAL_PREDICT_RATE_LIMIT"] == "0"
        assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
        assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "7", "that is up to the user"


def test_opening_again_finds_the_same_experiment(place: Destination) -> None:
    with open_store(place) as store:
        first = store.experiment_id
    with open_store(place) as store:
        assert store.experiment_id == first
    with open_store(Destination(place.uri, place.experiment, staging=True)) as store:
        assert store.experiment_id != first


def test_other_experiments_to_find_traces_in(place: Destination, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(Destination(place.uri, "apps")) as store:
        theirs = store.experiment_id
    with open_store(place) as store:
        ours = store.experiment_id
        assert store.trace_locations() == [ours]
        monkeypatch.setenv("APPEVAL_TRACE_EXPERIMENTS", " apps, appeval ,,apps")
        assert store.trace_locations() == [ours, theirs]
        monkeypatch.setenv("APPEVAL_TRACE_EXPERIMENTS", "apps,nowhere")
        with pytest.raises(
            TrackingError, match="APPEVAL_TRACE_EXPERIMENTS: there is no experiment 'nowhere' at sqlite"
        ):
            store.trace_locations()


def test_what_takes_too_long_ends(place: Destination) -> None:
    with open_store(place) as store:
        store.in_time()
        store.until = time.monotonic() - 1
        with pytest.raises(TrackingError, match=r"is too slow: not done after 600 s"):
            store.in_time()


def test_a_deleted_experiment_is_named(place: Destination) -> None:
    with open_store(place) as store:
        store.client.delete_experiment(store.experiment_id)
    with (
        pytest.raises(
            TrackingError, match=r"the experiment 'appeval' at sqlite:.* was deleted: restore it or name another"
        ),
        open_store(place),
    ):
        pass
    with open_store(Destination(place.uri, "another")) as store:
        assert store.experiment_id


def test_two_threads_take_turns(place: Destination) -> None:
    inside, most = [0], [0]

    def work() -> None:
        with open_store(place) as store:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            store.client.create_run(store.experiment_id)
            inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with open_store(place) as store:
        assert len(store.client.search_runs([store.experiment_id])) == 4
    assert most == [1]


def open_and_write(uri: str, told: multiprocessing.Queue[str]) -> None:
    try:
        with open_store(Destination(uri, "appeval")) as store:
            store.client.create_run(store.experiment_id)
            told.put(store.experiment_id)
    except TrackingError as error:
        told.put(str(error))


@pytest.mark.slow
def test_two_processes_make_a_database_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    told: multiprocessing.Queue[str] = context.Queue()
    uri = f"sqlite:///{tmp_path / 'fresh/mlflow.db'}"
    processes = [context.Process(target=open_and_write, args=(uri, told)) for _ in range(2)]
    for process in processes:
        process.start()
    said = [told.get(timeout=90) for _ in processes]
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0]
    assert said[0] == said[1], said
    with open_store(Destination(uri, "appeval")) as store:
        assert len(store.client.search_runs([store.experiment_id])) == 2


# ---------------------------------------------------------------------- what cannot be opened


def test_a_server_that_is_down_is_named_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    port = free_port()
    begin = time.monotonic()
    with (
        pytest.raises(TrackingError) as refused,
        open_store(Destination(f"http://ann:s3cret@127.0.0.1:{port}", "appeval")),
    ):
        pass
    assert time.monotonic() - begin < 20
    assert str(refused.value).startswith(f"MLflow at http://127.0.0.1:{port}: ")
    assert "s3cret" not in str(refused.value), "MLflow repeats the address that it was given"


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    if os.geteuid() == 0:  # may write everywhere, but not there
        folder = Path("/proc/appeval")
    else:
        folder = tmp_path / "read-only"
        folder.mkdir(mode=0o500)
    with (
        pytest.raises(TrackingError, match=rf"{folder}/mlflow.db: .*; give another place with --mlflow=URI"),
        open_store(Destination(f"sqlite:///{folder}/mlflow.db", "appeval")),
    ):
        pass


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(TrackingError, match="give another place with --mlflow=URI"),
        open_store(Destination(f"sqlite:///{tmp_path}/file/mlflow.db", "appeval")),
    ):
        pass


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    path.write_text("these are words\n" * 100)
    before = path.read_bytes()
    with (
        pytest.raises(TrackingError, match=r"MLflow at sqlite:.*mlflow\.db: .*file is not a database") as refused,
        open_store(Destination(f"sqlite:///{path}", "appeval")),
    ):
        pass
    assert "[SQL" not in str(refused.value)
    assert path.read_bytes() == before


def test_a_database_of_something_else_is_left_alone_or_used(place: Destination, tmp_path: Path) -> None:
    """Somebody's tables beside ours: nothing of theirs is lost."""
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        database.execute("create table theirs (a)")
        database.execute("insert into theirs values (7)")
    with open_store(place) as store:
        assert store.experiment_id
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        assert database.execute("select a from theirs").fetchall() == [(7,)]


def test_what_is_raised_while_it_is_open_says_where(place: Destination) -> None:
    with pytest.raises(TrackingError, match=r"MLflow at sqlite:.*nowhere"), open_store(place) as store:
        store.client.get_run("nowhere")
    with pytest.raises(KeyError), open_store(place):
        raise KeyError("that is a bug, and none of MLflow's")
    with open_store(place) as store:
        assert store.experiment_id, "it can be opened again"


def test_a_database_that_could_not_be_made_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A half made one can never be opened again."""
    from mlflow.store.db import utils

    place = Destination(f"sqlite:///{tmp_path / 'mlflow.db'}", "appeval")
    real = utils._upgrade_db

    def full(engine: Any, *given: Any) -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql("create table half_made (a)")
            connection.commit()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(utils, "_upgrade_db", full)
    with pytest.raises(TrackingError, match="No space left on device"), open_store(place):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mlflow.db.lock"]
    monkeypatch.setattr(utils, "_upgrade_db", real)
    with open_store(place) as store:
        assert store.client.get_experiment_by_name("appeval") is not None


@pytest.mark.parametrize("uri", ["ftp://x/y", "file:///tmp/mlruns", "sqlite3:///x.db", "databricksish"])
def test_addresses_that_mlflow_does_not_take_are_refused_at_once(tmp_path: Path, uri: str) -> None:
    with pytest.raises(TrackingError, match="is no address of MLflow's"):
        destination_of(tmp_path, uri)
