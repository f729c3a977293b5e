"""The commands that work with MLflow, on a real database."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from plugins import judges as judges_module
from plugins.cli import main
from plugins.metric import load_metrics
from plugins.tracking.runs import write_run
from plugins.tracking.store import Destination, open_store
from tests.stored import stored_run


class Commands:
    """Called with words, gives the exit code and what was printed."""

    def __init__(self, place: Destination, capsys: pytest.CaptureFixture[str]) -> None:
        self.place, self.capsys = place, capsys

    def __call__(self, *words: str) -> tuple[int, str]:
        code = main([*words, f"--mlflow={self.place.uri}", f"--experiment={self.place.experiment}"])
        printed = self.capsys.readouterr()
        return code, printed.out + printed.err


@pytest.fixture
def appeval(place: Destination, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(place, capsys)


@pytest.fixture
def nights(place: Destination, tmp_path: Path) -> Sequence[Path]:
    """Two runs of which one app changed, told to MLflow."""
    folders = []
    for run_id, names in (("2026-01-02T03-04-05-aaaa", ["good-x", "failing-y"]),
                          ("2026-01-03T03-04-05-bbbb", ["good-x", "blocked", "unmeasured"])):  # fmt: skip
        run, run_dir = stored_run(tmp_path, names, run_id=run_id)
        with open_store(place) as store:
            write_run(store, run, run_dir)
        folders.append(run_dir)
    return folders


@pytest.mark.usefixtures("nights")
def test_runs_are_listed_with_their_averages(appeval: Commands) -> None:
    code, said = appeval("runs")
    assert code == 0
    first, second = sorted(said.splitlines()[1:])
    assert re.search(r"^2026-01-02T03-04-05-aaaa +2026-01-02 03:04 +2 +92\.5 +100 % +docker +a-model$", first), first
    assert "2026-01-03T03-04-05-bbbb" in second
    assert len(appeval("runs", "--last=1")[1].splitlines()) == 2
    assert appeval("runs", "--last=0")[0] == 4


@pytest.mark.usefixtures("nights")
@pytest.mark.parametrize(
    ("query", "apps", "last"),
    [
        ("appeval_100 < 90", ["failing-y"], "1 app in 2 runs, and 1 of which nobody knows"),
        ("appeval_100_low < 100 and stack = trpc", ["failing-y", "blocked", "unmeasured"], "3 apps in 2 runs"),
        ("type_safety_state = FAIL", ["failing-y"], "1 app in 2 runs"),
        ("app != 'good-x' and gen_cost_usd >= 0.5", ["failing-y", "blocked", "unmeasured"], "3 apps in 2 runs"),
        ("appeval_100 > 1000", [], "0 apps in 2 runs"),
        ("type_safety = FAIL and deployability = PASS", ["failing-y"], "1 app in 2 runs"),
    ],
)
def test_apps_are_found_by_a_question(appeval: Commands, query: str, apps: list[str], last: str) -> None:
    code, said = appeval("runs", "--query", query)
    assert code == 0, said
    found = [line.split()[0] for line in said.splitlines()[:-1] if not line.startswith(" ")]
    assert sorted(found) == sorted(apps)
    assert said.splitlines()[-1].startswith(last)
    assert said.count("evaluation tr-") == len(apps), "each with its traces"
    assert said.count("generation tr-") == len(apps)


@pytest.mark.usefixtures("nights")
def test_a_question_that_cannot_be_answered(appeval: Commands) -> None:
    code, said = appeval("runs", "--query", "appeval < 3")
    assert code == 4
    assert "there is no column 'appeval'; there are for example: appeval_100" in said
    assert appeval("runs", "--query", "all of them")[0] == 4


@pytest.mark.usefixtures("nights")
def test_two_runs_side_by_side(appeval: Commands) -> None:
    code, said = appeval("runs", "2026-01-02", "2026-01-03")
    assert code == 0, said
    assert "only in A, 1 app: failing-y" in said
    assert "only in B, 2 apps: blocked, unmeasured" in said
    code, said = appeval("runs", "2026-01", "latest")
    assert code == 3
    assert "2 runs are called '2026-01'" in said
    assert appeval("runs", "latest")[0] == 4


def test_a_run_that_was_begun_only_says_what_to_do(
    appeval: Commands, place: Destination, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, run_dir = stored_run(tmp_path, ["good"])
    with open_store(place) as store, monkeypatch.context() as patched:
        patched.setattr("plugins.tracking.runs.write_traces", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_run(store, run, run_dir)
    assert f"not whole: appeval emit mlflow {run.id}" in appeval("runs")[1]
    assert appeval("runs", "--query", "appeval_100 > 0") == (0, "0 apps in 1 run\n")


def _interrupt(*_given: Any) -> int:
    raise KeyboardInterrupt


def test_datasets_are_made_listed_and_compared(appeval: Commands, tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / "apps" / name
        folder.mkdir(parents=True)
        (folder / "package.json").write_text("{}", encoding="utf-8")
    made = appeval("dataset", "create", "nightly", f"--apps={tmp_path / 'apps'}")
    assert made[0] == 0
    assert re.search(r"^nightly: 2 apps merged; version 1 \(\w{16}, 2 apps\), new$", made[1], re.MULTILINE), made[1]
    assert "2 apps merged; version 1" in appeval("dataset", "create", "nightly", f"--apps={tmp_path / 'apps'}")[1]
    (tmp_path / "apps/three").mkdir()
    (tmp_path / "apps/three/package.json").write_text("{}", encoding="utf-8")
    assert "version 2" in appeval("dataset", "create", "nightly", f"--apps={tmp_path / 'apps'}")[1]
    listed = appeval("dataset", "list", "nightly")[1]
    assert listed.startswith("nightly: 3 apps\n  @1  ")
    assert "    three" in listed
    assert appeval("dataset", "diff", "nightly@1") == (
        1,
        "new      three\n1 difference between nightly@1 and nightly\n",
    )
    assert appeval("dataset", "diff", "nightly@2") == (0, "0 differences between nightly@2 and nightly\n")
    code, said = appeval("dataset", "diff", "nightly@7")
    assert code == 3
    assert "has no version '7'; there are: 1 (" in said
    assert appeval("dataset", "create", "a@b", f"--apps={tmp_path / 'apps'}")[0] == 4


def test_a_dataset_whose_apps_are_gone_is_not_a_better_one(
    appeval: Commands, place: Destination, tmp_path: Path
) -> None:
    """What nobody can judge stays in every denominator."""
    from plugins.tracking.datasets import merge
    from plugins.tracking.records import record_of_result

    run, _ = stored_run(tmp_path, ["good-x", "failing-y"])
    with open_store(place) as store:
        merge(store, "nightly", [record_of_result(run, app, "digest") for app in run.apps])
    code, said = appeval("evaluate-dataset", "nightly", "--sandbox=local")
    assert code == 3
    assert "good-x could not be judged: no app at" in said
    assert "over 2 apps attempted, 0 of them with an exact score" in said
    assert "success rate 0–100 % of 2 apps" in said
    assert "0 verdicts other than expected of 18 that were expected, 18 of them not known" in said


def test_people_are_asked_and_answer(appeval: Commands, place: Destination, nights: Sequence[Path]) -> None:
    import mlflow
    from mlflow.entities import AssessmentSource

    code, said = appeval("review", "request", str(nights[0]), "--below=90")
    assert (code, said.splitlines()[0]) == (0, "failing-y")
    assert appeval("review", "status", str(nights[1]))[1] == "0 apps asked about, 0 done, 0 answers\n"
    trace = re.findall(r"tr-[0-9a-f]{32}", appeval("review", "status", str(nights[0]))[1])[0]
    with open_store(place):
        source = AssessmentSource(source_type="HUMAN", source_id="ann")
        mlflow.log_feedback(trace_id=trace, name="quality", value="fair", rationale="it works", source=source)
    said = appeval("review", "status", str(nights[0]))[1]
    assert "failing-y (85.0): pending" in said
    assert "failing-y: How good is this app? fair (it works), says ann" in said
    assert said.endswith("1 app asked about, 0 done, 1 answer\n")


def test_open_source_mlflow_runs_no_judges(appeval: Commands) -> None:
    code, said = appeval("judges", "register")
    assert code == 1
    assert "cannot run them" in said
    assert "--mlflow=databricks" in said
    assert appeval("judges", "register", "--sample-rate=2")[0] == 4


def test_judges_are_registered_where_the_platform_runs_them(appeval: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.genai.scorers import Scorer

    done: list[tuple[str, float]] = []

    def register(self: Any, *, name: str) -> Any:
        assert self.name == name
        return self

    def start(self: Any, *, sampling_config: Any) -> Any:
        done.append((self.name, sampling_config.sample_rate))

    monkeypatch.setattr(Scorer, "register", register)
    monkeypatch.setattr(Scorer, "start", start)
    monkeypatch.setattr(Destination, "databricks", property(lambda _: True))
    code, said = appeval("judges", "register", "--sample-rate=0.25")
    assert code == 0, said
    assert done == [(metric.name, 0.25) for metric in judges_module.scored_metrics()]
    assert said.count("started on 25% of the traces") == len(list(load_metrics()))


def test_where_nothing_was_told_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["runs"], ["dataset", "list"], ["trace", "x"]):
        assert main([*words, f"--mlflow=sqlite:///{tmp_path / 'none.db'}"]) == 3
        assert "log a run with --mlflow" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_parity_names_every_difference(appeval: Commands, tmp_path: Path) -> None:
    """The evidence of these apps is next to none: what their run says cannot be had from it again."""
    _, run_dir = stored_run(tmp_path, ["good"])
    code, said = appeval("parity", str(run_dir))
    assert code == 1
    assert re.search(
        r"^good build_success: pytest says PASS 1, MLflow scorers HARNESS_ERROR 0–1 \(", said, re.MULTILINE
    )
    assert re.search(r"^build_success +0 of 1 equal +0 of 1 equal$", said, re.MULTILINE)
    assert "pytest and MLflow scorers differ in 100.0 % of 9 verdicts (more than promised: below 5 %)" in said


def test_parity_of_apps_that_are_gone(appeval: Commands, tmp_path: Path) -> None:
    _, run_dir = stored_run(tmp_path, ["good"])
    code, said = appeval("parity", str(run_dir), "--again")
    assert code == 1, said
    assert "MLflow scorers UNMEASURED 0–1 (unmeasured.app_gone)" in said
    _, run_dir = stored_run(tmp_path, ["good"], run_id="2026-01-02T03-04-05-eeee", epochs=2)
    code, said = appeval("parity", str(run_dir), "--again")
    assert code == 4
    assert "--again measures every app once" in said
