"""`--mlflow`, its options, and `--use-judges`, as a user types them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from plugins.tracking.history import known_run
from plugins.tracking.store import Destination, open_store
from plugins.tracking.traces import evaluation_traces, run_key
from tests.mlflow_server import free_port
from tests.pytester.project import Project, facts


@pytest.fixture
def database(project: Project, made_database: Path) -> Destination:
    shutil.copy(made_database, project.root / "mlflow.db")
    return Destination(f"sqlite:///{project.root / 'mlflow.db'}", "appeval")


@pytest.mark.parametrize(
    "option",
    [
        "--mlflow",
        *(pytest.param(text, marks=pytest.mark.slow) for text in ("--mlflow=sqlite:///mlflow.db", "--staging")),
    ],
)
def test_a_run_is_told_to_mlflow(project: Project, database: Destination, option: str) -> None:
    """Without an address, in the project's own database."""
    project.app("one")
    project.app("two", fake_types={"facts": {"value": 0, "line": "3 errors"}})
    project.environment.pop("MLFLOW_TRACKING_URI", None)
    (project.root / "runs").mkdir()
    result = project.evaluate(option, "-n", "2", run="runs/first")
    assert result.code in (0, 1), result.out
    assert result.has_line("with 2 traces; dataset appeval-apps version 1 (2 apps)"), result.out
    with open_store(Destination(database.uri, "appeval", staging=option == "--staging")) as store:
        known = known_run(store, "latest")
        infos = evaluation_traces(store, run_key(result.run()))
        assert known.whole
        assert [row["app"] for row in known.table()] == ["one", "two"]
        assert {info.tags["appeval.app"]: len(info.assessments) for info in infos} == {"one": 9, "two": 9}
        assert known.run() == result.run()
    assert not (project.root / "mlruns").exists()


def test_mlflow_that_is_down_loses_nothing(project: Project, database: Destination) -> None:
    project.app("one")
    result = project.evaluate(f"--mlflow=http://127.0.0.1:{free_port()}", code=3)
    assert "Traceback" not in result.out
    assert result.has_line("sink mlflow failed: MLflow at http://127.0.0.1:"), result.out
    assert result.has_line("nobody answers there")
    assert result.has_line("repeat with `appeval emit mlflow run --mlflow=http://127.0.0.1:"), "there, not elsewhere"
    assert (result.run_dir / "summary.md").is_file()
    again = project.appeval("emit", "mlflow", str(result.run_dir), f"--mlflow={database.uri}")
    assert again.returncode == 0, again.stderr
    assert "with 1 trace; dataset appeval-apps version 1 (1 app)" in again.stdout
    with open_store(database) as store:
        assert len(evaluation_traces(store, run_key(result.run()))[0].assessments) == 9


def test_a_partial_run_is_not_told_and_that_is_said(project: Project) -> None:
    project.app("one")
    result = project.evaluate("--mlflow=sqlite:///none.db", "-k", "type_safety", code=0)
    assert result.has_line("mlflow: not told, because it takes whole runs only and this one is partial")
    assert not (project.root / "none.db").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--mlflow", "evals/"), "'evals/' is no address of MLflow's"),
        (("--staging", "evals/"), "'evals/': yes or no; to give no value, write --staging after the folders"),
        (("evals/", "--use-judges=many"), "--use-judges=many: give a share of the apps from 0% to 100%"),
        (("evals/", "--use-judges=120%"), "give a share of the apps from 0% to 100%"),
    ],
)
def test_a_wrong_option_says_what_is_right(project: Project, arguments: tuple[str, ...], said: str) -> None:
    """An option that swallows the folder must not run something else instead."""
    project.app("one")
    result = project.pytest(*arguments, code=4)
    assert said in " ".join(result.out.split())


def test_verdicts_through_the_judges_are_the_same(project: Project, workers: tuple[str, ...]) -> None:
    project.app("one")
    project.app("two", fake_types={"facts": {"value": 0, "line": "3 errors"}})
    project.app(
        "three",
        fake_build={"raises": "AppError"},
        fake_readme={"facts": {"value": [2, 4]}},
        fake_page={"raises": "Unmeasured"},
    )
    plain = project.evaluate(*workers, run="plain")
    judged = project.evaluate(*workers, "--use-judges=100%", run="judged")
    assert judged.code == plain.code
    assert facts(judged.run()) == facts(plain.run())
    assert judged.run().settings["use_judges"] == "100%"
