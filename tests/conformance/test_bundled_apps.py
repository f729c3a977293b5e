"""The real evaluation of the bundled apps, with real npm and Chromium, against their expected.toml."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.discovery import discover
from fixtures.evidence import load_evidence
from fixtures.sandbox import SANDBOXES
from fixtures.sandbox.processes import MARK
from fixtures.stacks import STACKS
from fixtures.workspace import work_dir_of
from plugins.cli import main
from plugins.cli.verify import differences_of
from plugins.metric import give_verdict, load_metrics
from plugins.tracking.assessments import verdict_of
from plugins.tracking.store import Destination, open_store
from reports.model import Run, State, read_run
from tests.world import require

ROOT = Path(__file__).resolve().parents[2]


def evaluate(run_dir: Path, *arguments: str, patience: float = 1500) -> Run:
    """Run `pytest evals/` as a user does; the run is returned, and nothing of it may be left."""
    chosen = () if any(word.startswith("--apps") for word in arguments) else ("--apps=fixtures/apps",)
    argv = [sys.executable, "-m", "pytest", "evals/", f"--run-dir={run_dir}", *chosen, *arguments]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=patience, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout
    assert not work_dir_of(run_dir, Path("/tmp")).exists()  # noqa: S108
    assert not (run_dir / "processes").exists()
    return read_run(run_dir)


def judge_again(run: Run, run_dir: Path) -> None:
    """The stored evidence alone gives the same verdicts."""
    for app in run.apps:
        evidence = load_evidence(run_dir / "apps" / app.slug / "evidence.json")
        assert evidence is not None
        for metric in load_metrics():
            (before,) = app.of(metric.name)
            again = give_verdict(metric, evidence)
            assert replace(again, seconds=0) == replace(before, seconds=0)


def check(run: Run, apps: int = 9) -> None:
    sandbox = str(run.settings["sandbox"])
    differences = [line for app in run.apps for line in differences_of(app, Path(app.path, "expected.toml"), sandbox)]
    assert differences == []
    assert len(run.apps) >= apps
    assert not run.partial


def told_to_mlflow(run: Run, run_dir: Path, database: Destination, server: Destination, again: bool = False) -> None:
    """What MLflow holds of the run: told to a database as it ended, and to a server afterwards. Nine assessments on every
    trace, a table, a dataset and a queue; and its scorers say the same as pytest did."""
    from plugins.tracking.datasets import records_of
    from plugins.tracking.history import known_run
    from plugins.tracking.reviews import requested
    from plugins.tracking.traces import evaluation_traces, run_key

    assert main(["emit", "mlflow", str(run_dir), f"--mlflow={server.uri}", f"--experiment={server.experiment}"]) == 0
    for place in (database, server):
        with open_store(place) as store:
            infos = {info.tags["appeval.app"]: info for info in evaluation_traces(store, run_key(run))}
            assert {app: len(info.assessments) for app, info in infos.items()} == {app.app: 9 for app in run.apps}
            table = {row["app"]: row for row in known_run(store, run_key(run)).table()}
            for app in run.apps:
                said = {a.name: verdict_of(a) for a in infos[app.app].assessments}
                assert said == {verdict.metric: verdict for verdict in app.verdicts}
                assert table[app.app]["evaluation_trace_id"] == infos[app.app].trace_id
                assert table[app.app]["appeval_100_low"] == app.score.low
                spans = store.client.get_trace(infos[app.app].trace_id).data.spans
                assert {"stage scan", "metric build_success"} < {span.name for span in spans}
            assert {r["inputs"]["app"] for r in records_of(store, "appeval-apps")} == {app.app for app in run.apps}
            assert set(requested(store, run_key(run))) == {app.app for app in run.apps if app.score.low < 70}
    words = ["parity", str(run_dir), f"--mlflow={database.uri}", *(["--again"] if again else [])]
    argv = [sys.executable, "-m", "plugins.cli", *words]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    count = 9 * len(run.apps)
    assert f"{count} of {count} equal" in done.stdout
    assert f"pytest and MLflow scorers differ in 0.0 % of {count} verdicts" in done.stdout


#: One app that works; one whose statements fail, one that is no app at all.
_SOME = {
    "docker": ("sales-pipeline", "taxi-badsql"),
    "local": ("sales-pipeline", "untouched-template"),
}


@pytest.mark.parametrize("sandbox", ["docker", pytest.param("local", marks=pytest.mark.slow)])
def test_some_verdicts_equal_expected(tmp_path: Path, sandbox: str, place: Destination, at_server: Destination) -> None:
    """All of them are slow."""
    require(sandbox)
    mlflow = [f"--mlflow={place.uri}"] if sandbox == "docker" else []
    run = evaluate(
        tmp_path / "run",
        "-n",
        "2",
        f"--sandbox={sandbox}",
        *mlflow,
        *(f"--apps=fixtures/apps/{name}" for name in _SOME[sandbox]),
    )
    check(run, apps=len(_SOME[sandbox]))
    judge_again(run, tmp_path / "run")
    if sandbox == "docker":
        told_to_mlflow(run, tmp_path / "run", place, at_server)


@pytest.mark.slow
@pytest.mark.parametrize("sandbox", SANDBOXES.names())
def test_verdicts_equal_expected(tmp_path: Path, sandbox: str, place: Destination, at_server: Destination) -> None:
    require(sandbox)
    run = evaluate(tmp_path / "run", "-n", "2", f"--sandbox={sandbox}", f"--mlflow={place.uri}")
    check(run)
    told_to_mlflow(run, tmp_path / "run", place, at_server, again=True)
    everything = "".join(
        p.read_text(errors="replace") for p in (tmp_path / "run").rglob("*") if p.suffix in {".json", ".md"}
    )
    assert MARK not in everything
    template = next(app for app in run.apps if app.app == "untouched-template")
    assert template.labels == ("unmodified template",)
    assert template.score.high == 60
    assert template.score.uncapped_low > 60
    for app in run.apps:
        unknown = [v.metric for v in app.verdicts if v.state is State.UNMEASURED]
        assert unknown == ([] if sandbox == "docker" else ["deployability"])
        assert (app.score.value is None) == (sandbox == "local" and app.score.high != 60)
    judge_again(run, tmp_path / "run")
    assert (tmp_path / "run/junit.xml").is_file()
    assert json.loads((tmp_path / "run/run.json").read_text())["schema"] == 1


#: One that is quick for each way in which a kind is judged: no stack at all, a page without a server.
_QUICK = ("makefile-stores", "makefile-badsql", "vite-loan")


def test_some_kinds_equal_expected(tmp_path: Path) -> None:
    places = [f"--apps=fixtures/families/{name}" for name in _QUICK]
    run = evaluate(tmp_path / "run", "-n", "2", "--sandbox=local", "--use-judges=100%", *places)
    check(run, apps=len(_QUICK))
    judge_again(run, tmp_path / "run")
    unknown = next(app for app in run.apps if app.app == "makefile-stores")
    assert (unknown.stack, unknown.why) == ("unknown", "no stack knows it")
    assert "unknown stack: no stack knows this kind of app" in (tmp_path / "run/summary.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("sandbox", SANDBOXES.names())
def test_every_kind_equals_expected(tmp_path: Path, sandbox: str) -> None:
    """All bundled apps of every kind, the large ones among them."""
    require(sandbox)
    run = evaluate(tmp_path / "run", "-n", "2", f"--sandbox={sandbox}", "--apps=fixtures/families/*", patience=6000)
    folders = [path for path in (ROOT / "fixtures/families").iterdir() if path.is_dir()]
    check(run, apps=len(folders))
    judge_again(run, tmp_path / "run")


def test_every_kind_has_a_good_and_a_broken_example() -> None:
    """Each states what is expected of it."""
    found: dict[str, set[bool]] = {}
    for app in discover(["fixtures/apps/*", "fixtures/families/*"], ROOT).apps:
        stated = tomllib.loads((app.path / "expected.toml").read_text(encoding="utf-8"))
        found.setdefault(app.stack.name, set()).add(stated["success"] is True)
    kinds = {stack.name for stack in STACKS} - {"python"} | {"unknown"}
    assert {kind: found.get(kind) for kind in kinds} == {kind: {True, False} for kind in kinds}


@pytest.mark.slow
@pytest.mark.parametrize("sandbox", SANDBOXES.names())
def test_verdicts_equal_expected_serially(tmp_path: Path, sandbox: str) -> None:
    require(sandbox)
    check(evaluate(tmp_path / "run", f"--sandbox={sandbox}"))


@pytest.mark.slow
@pytest.mark.parametrize("time", [1, 2, 3])
@pytest.mark.parametrize("sandbox", SANDBOXES.names())
def test_verdicts_equal_expected_every_time(tmp_path: Path, time: int, sandbox: str) -> None:
    require(sandbox)
    check(evaluate(tmp_path / "run", "-n", "2", f"--sandbox={sandbox}"))
