"""The metrics as MLflow's scorers: the registry's own, the same verdicts, time-outs above every stage, a shared set."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from fixtures.discovery import discover
from fixtures.errors import HarnessError, Unmeasured
from fixtures.evidence import Evidence
from fixtures.stages import STAGES
from plugins import judges
from plugins.judges import COMPOSITE, Stored, Subject, composite_of, judge_inputs, judge_of, registrable, verdict_by
from plugins.metric import load_metrics
from plugins.session import takes_judges
from plugins.tracking.assessments import feedback_of, is_verdict, verdict_of
from plugins.tracking.evaluation import Row, evaluate
from plugins.tracking.store import Store, TrackingError, prepare
from reports.model import MetricInfo, State, Verdict
from tests.stored import KINDS, stored_run

BINARY = MetricInfo("types", 3, "types", "binary", "scored", 2)
SCORED = MetricInfo("runs", 8, "runs", "scored", "scored", 1)


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> None:
    prepare()


@pytest.mark.parametrize(("metric", "state"), list(product([BINARY, SCORED], State)), ids=str)
def test_a_verdict_becomes_feedback_and_comes_back_whole(metric: MetricInfo, state: State) -> None:
    links = tuple(f"apps/a b/logs/{number}.log" for number in range(12))
    low, high = (0.0, metric.full) if state.unknown else (3.0 if metric is SCORED else 1.0,) * 2
    verdict = Verdict(metric.name, 2, state, low, high, "a.reason", "what was seen: 3 — “ü”", links, 0.1 + 0.2)
    feedback = feedback_of(verdict, metric)
    assert verdict_of(feedback) == verdict
    assert is_verdict(feedback)
    assert (feedback.name, feedback.source.source_type) == (metric.name, "CODE")
    assert (feedback.value is None) == state.unknown, "what nobody knows has no value"
    assert (feedback.error is not None) == state.unknown
    if state is State.BLOCKED and metric is BINARY:
        assert feedback.value is False
    if state is State.NOT_APPLICABLE:
        assert feedback.value == "not applicable"


def test_what_people_say_is_no_verdict() -> None:
    from mlflow.entities import AssessmentSource, Feedback

    human = Feedback(name="types", value=True, source=AssessmentSource(source_type="HUMAN", source_id="appeval/x"))
    assert not is_verdict(human)
    with pytest.raises(ValueError, match="'types' is no verdict of ours"):
        verdict_of(human)


class Given:
    """A source whose answer is known."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def subject(self, inputs: Any) -> Subject:
        if self.error is not None:
            raise self.error
        return Subject(Evidence(str(inputs["app"]), 1, {}))


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        (Unmeasured("unmeasured.gone", "gone"), State.UNMEASURED, "unmeasured.gone"),
        (HarnessError("harness.docker", "no"), State.HARNESS_ERROR, "harness.docker"),
        (KeyError("a bug"), State.HARNESS_ERROR, "harness.bug"),
        (None, State.HARNESS_ERROR, "harness.no_evidence"),
    ],
)
def test_whatever_happens_is_a_verdict(error: Exception | None, state: State, code: str) -> None:
    """MLflow drops what a scorer raises out of its means."""
    for metric in load_metrics():
        found = verdict_by(metric, Given(error), {"app": "x"})
        assert (found.state, found.reason, found.low, found.high) == (state, code, 0.0, metric.info.full)
        feedback: Any = judge_of(metric, Given(error))(inputs={"app": "x"})
        assert feedback.error.error_code == state.value


def test_the_lists_are_the_registry() -> None:
    names = [metric.name for metric in load_metrics() if metric.info.role != "runtime"]
    assert [judge.name for judge in judges.ALL_JUDGES] == [*names, COMPOSITE]
    kinds = {metric.name: metric.info.kind for metric in load_metrics()}
    assert [judge.name for judge in judges.BINARY_JUDGES] == [n for n in names if kinds[n] == "binary"]
    assert [judge.name for judge in judges.SCORED_JUDGES] == [n for n in names if kinds[n] == "scored"]
    assert judges.ALL_JUDGES is judges.ALL_JUDGES, "one set of stages, however often it is named"
    with pytest.raises(AttributeError, match="SOME_JUDGES"):
        _ = judges.SOME_JUDGES
    limits = sum(stage.limit for stage in STAGES)
    assert all(judge.timeout is not None and judge.timeout > limits > 300 for judge in judges.ALL_JUDGES)


def test_stored_evidence_of_what_is_not_there(tmp_path: Path) -> None:
    run, run_dir = stored_run(tmp_path, ["good"])
    metric = load_metrics()["build_success"]
    for inputs, code in (
        ({"run": str(tmp_path / "none"), "app": "good"}, "unmeasured.no_run"),
        ({"run": str(run_dir), "app": "other"}, "unmeasured.app_gone"),
        ({"run": str(run_dir), "app": "good", "epoch": 2}, "unmeasured.no_evidence"),
    ):
        found = verdict_by(metric, Stored(), inputs)
        assert (found.state, found.reason) == (State.UNMEASURED, code)
    assert verdict_by(metric, Stored(), {"run": str(run_dir), "app": run.apps[0].slug}).state is not State.UNMEASURED


def test_the_composite_states_what_it_does_not_know(tmp_path: Path) -> None:
    _, run_dir = stored_run(tmp_path, ["good"])
    feedback: Any = composite_of(list(load_metrics()), Stored())(inputs={"run": str(run_dir), "app": "good"})
    assert feedback.value is None, "most stages left no evidence"
    assert feedback.error.error_code == "UNMEASURED"
    assert float(feedback.metadata["low"]) < float(feedback.metadata["high"])


def test_evaluate_keeps_every_result(store: Store, tmp_path: Path) -> None:
    """The same verdicts as judging directly, one trace for each row, and counted."""
    _, run_dir = stored_run(tmp_path)
    metrics = list(load_metrics())
    inputs = [{"run": str(run_dir), "app": name} for name in KINDS] * 4
    made = [judge_of(metric, Stored()) for metric in metrics]
    found = evaluate(store, [Row(one, {}, {"kind": "test"}) for one in inputs], made, name="it", tags={"a": "b"})
    assert len(found.verdicts) == len(inputs)
    for one, verdicts in zip(inputs, found.verdicts, strict=True):
        said = {v.metric: (v.state, v.low, v.high, v.reason, v.evidence) for v in verdicts}
        direct = [verdict_by(metric, Stored(), one) for metric in metrics]
        assert said == {v.metric: (v.state, v.low, v.high, v.reason, v.evidence) for v in direct}


def test_evaluate_that_lost_something_says_so(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from plugins.tracking import evaluation

    _, run_dir = stored_run(tmp_path, ["good", "failing"])
    metric = load_metrics()["build_success"]
    real = evaluation._traces
    monkeypatch.setattr(evaluation, "_traces", lambda store, run: real(store, run)[:1])
    rows = [Row({"run": str(run_dir), "app": name}, {}, {}) for name in ("good", "failing")]
    with pytest.raises(TrackingError, match="kept the results of 1 of 2 apps"):
        evaluate(store, rows, [judge_of(metric, Stored())], name="it", tags={})


def test_a_registered_scorer_stands_alone(tmp_path: Path) -> None:
    """MLflow keeps its source: that must lead back to the metric, without anything around it."""
    _, run_dir = stored_run(tmp_path, ["good"])
    metric = load_metrics()["build_success"]
    kept = registrable(metric).model_dump()
    assert kept["call_signature"] == "(inputs)"
    space: dict[str, Any] = {}
    exec(f"def judge{kept['call_signature']}:\n    " + kept["call_source"].replace("\n", "\n    "), space)  # noqa: S102 - MLflow does
    inputs = {"run": str(run_dir), "app": "good"}
    again, direct = space["judge"](inputs), judge_inputs("build_success", inputs)
    assert (again.name, again.value, again.rationale) == (direct.name, direct.value, direct.rationale)


def test_the_share_of_apps_is_stable_by_name_and_grows() -> None:
    from dataclasses import replace

    (some,) = discover([str(Path(__file__).parents[3] / "fixtures/apps/sales-pipeline")], Path.cwd()).apps
    apps = [replace(some, name=f"app-{number}") for number in range(2000)]
    chosen = {share: {app.name for app in apps if takes_judges(app, share)} for share in (0.0, 0.1, 0.5, 1.0)}
    assert chosen[0.0] == set()
    assert len(chosen[1.0]) == 2000
    assert chosen[0.1] < chosen[0.5] < chosen[1.0]
    for share in (0.1, 0.5):
        assert math.isclose(len(chosen[share]) / 2000, share, abs_tol=0.03)
