"""Apps that people should look at: who is asked about, once, in which words, and what they said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.app import slug_of
from plugins.tracking.reviews import (
    QUESTIONS,
    QUEUE,
    answers,
    request_reviews,
    requested,
    statuses,
    to_review,
)
from plugins.tracking.runs import Written, write_run
from plugins.tracking.store import Destination, Store
from plugins.tracking.traces import run_key
from reports.model import AppResult, Run, ScoreRange
from tests.stored import stored_run

NAMES = ("metrics_right", "root_cause", "issue_of", "quality")


def scored(app: AppResult, low: float, high: float) -> AppResult:
    return replace(app, score=ScoreRange(low, high, low, high))


def told(store: Store, folder: Path, names: Sequence[str] = ("good", "failing"), **more: Any) -> tuple[Run, Written]:
    run, run_dir = stored_run(folder, names, **more)
    return run, write_run(store, run, run_dir)


def queues(store: Store) -> list[Any]:
    from mlflow.genai import review_queues

    return [
        queue for queue in review_queues.list_review_queues(experiment_id=store.experiment_id) if queue.name == QUEUE
    ]


def items(store: Store) -> list[str]:
    from mlflow.genai import review_queues

    (queue,) = queues(store)
    return sorted(item.item_id for item in review_queues.list_review_queue_items(queue.queue_id))


def say(trace: str, name: str, value: Any, who: str = "ann@x", comment: str | None = None) -> None:
    import mlflow
    from mlflow.entities import AssessmentSource

    source = AssessmentSource(source_type="HUMAN", source_id=who)
    mlflow.log_feedback(trace_id=trace, name=name, value=value, rationale=comment, source=source)


# ---------------------------------------------------------------------- who is asked about


@pytest.mark.parametrize(
    ("low", "high", "asked"),
    [
        (60, 90, True),
        (0, 0, True),
        (69.99, 69.99, True),
        (0, 100, True),
        (70, 70, False),
        (70, 100, False),
        (100, 100, False),
    ],
)
def test_the_low_end_decides(tmp_path: Path, low: float, high: float, asked: bool) -> None:
    run, _ = stored_run(tmp_path, ["good", "good-two"])
    run = replace(run, apps=(scored(run.apps[0], low, high), scored(run.apps[1], 100, 100)))
    assert [app.app for app in to_review(run)] == (["good"] if asked else [])


def test_another_limit(tmp_path: Path) -> None:
    run, _ = stored_run(tmp_path, ["good"])
    assert to_review(run, 100.0) == ()
    assert to_review(run, 100.1) == run.apps


# ---------------------------------------------------------------------- the queue


def test_the_queue_asks_four_questions(store: Store, tmp_path: Path) -> None:
    from mlflow.genai import label_schemas
    from mlflow.genai.label_schemas import InputCategorical, InputPassFail, InputText

    run, written = told(store, tmp_path)
    asked = request_reviews(store, run, written, run.apps[:1])
    assert (asked.apps, asked.where) == (("good",), f"the review queue {QUEUE!r}")
    (queue,) = queues(store)
    there: list[Any] = list(label_schemas.list_label_schemas(experiment_id=store.experiment_id))
    made = {schema.name: schema for schema in there if not schema.is_default}
    assert set(made) == set(NAMES) == {question.name for question in QUESTIONS}
    assert set(queue.schema_ids) == {schema.schema_id for schema in made.values()}
    assert [type(made[name].input) for name in NAMES] == [InputPassFail, InputText, InputCategorical, InputCategorical]
    assert made["issue_of"].input.options == ["template", "generation", "neither"]
    assert made["quality"].input.options == ["excellent", "good", "fair", "poor"]
    assert made["root_cause"].instruction == "What is the root cause of what is wrong?"
    assert all(schema.enable_comment for schema in made.values())
    assert items(store) == sorted(written.traces["good"])


def test_it_is_asked_once_however_often(store: Store, tmp_path: Path) -> None:
    from mlflow.genai import label_schemas

    run, written = told(store, tmp_path)
    first = request_reviews(store, run, written, run.apps)
    before = items(store)
    for _ in range(2):
        assert request_reviews(store, run, written, run.apps) == first
    assert items(store) == before == sorted(trace for ids in written.traces.values() for trace in ids)
    assert len(queues(store)) == 1
    made = label_schemas.list_label_schemas(experiment_id=store.experiment_id)
    assert sorted(schema.name for schema in made if not schema.is_default) == sorted(NAMES)


def test_nobody_to_ask_about_makes_no_queue(store: Store, tmp_path: Path) -> None:
    run, written = told(store, tmp_path, ["good"])
    assert request_reviews(store, run, written, ()).apps == ()
    assert queues(store) == []
    assert requested(store, run.id) == {}


def test_the_run_says_who_was_asked_about(store: Store, tmp_path: Path) -> None:
    run, written = told(store, tmp_path)
    odd = "an odd/name"
    apps = (run.apps[0], replace(run.apps[1], app=odd, slug=slug_of(odd)))
    written = Written(written.run_id, {"good": written.traces["good"], odd: written.traces["failing"]})
    assert "+" in apps[1].slug
    request_reviews(store, run, written, apps)
    tags = store.client.get_run(written.run_id).data.tags
    asked = {name: text for name, text in tags.items() if name.startswith("review_requested.")}
    assert asked == {"review_requested.good": "true", f"review_requested.{slug_of(odd).replace('+', '_')}": "true"}


def test_the_context_says_what_a_reviewer_needs(store: Store, tmp_path: Path) -> None:
    run, written = told(store, tmp_path, ["failing"])
    app = replace(run.apps[0], prompt="sell\x1b[31m things\x00", labels=("unmodified template",), notes=("nested",))
    request_reviews(store, run, written, [app])
    path = store.client.download_artifacts(written.run_id, "reviews/failing_context.json")
    context = json.loads(Path(path).read_text(encoding="utf-8"))
    verdicts = context.pop("verdicts")
    assert context == {
        "app_name": "failing", "run": run.id, "appeval_100": 85.0, "appeval_100_low": 85.0, "appeval_100_high": 85.0,
        "prompt": "sell things", "labels": ["unmodified template"], "issues": ["something is wrong"],
        "notes": ["nested"], "trace_id": "tr-failing", "evaluation_trace_ids": list(written.traces["failing"]),
        "questions": {question.name: question.title for question in QUESTIONS},
    }  # fmt: skip
    assert len(verdicts) == 9
    assert verdicts["type_safety"] == "FAIL: 3 errors: a.ts:1 TS2322"


def test_every_epoch_is_looked_at(store: Store, tmp_path: Path) -> None:
    run, written = told(store, tmp_path, ["failing"], epochs=3)
    request_reviews(store, run, written, run.apps)
    assert items(store) == sorted(written.traces["failing"])
    assert len(items(store)) == 3
    assert requested(store, run.id) == {"failing": written.traces["failing"][0]}, "shown by its first"
    say(written.traces["failing"][2], "quality", "poor")
    assert [(answer.app, answer.trace_id) for answer in answers(store, run.id)] == [
        ("failing", written.traces["failing"][2])
    ]


# ---------------------------------------------------------------------- what people said


def test_answers_are_read_back(store: Store, tmp_path: Path) -> None:
    import mlflow
    from mlflow.entities import AssessmentSource

    run, written = told(store, tmp_path)
    (good,), (failing,) = written.traces["good"], written.traces["failing"]
    request_reviews(store, run, written, run.apps)
    assert answers(store, run.id) == [], "our own verdicts are nobody's answer"
    say(failing, "metrics_right", False, comment="the \x1b[31mbuild\n works")
    say(failing, "root_cause", "types" * 500, who="bob@x")
    say(good, "quality", "excellent")
    mlflow.log_feedback(trace_id=good, name="quality", value="poor", source=AssessmentSource("LLM_JUDGE", "a-model"))
    found = answers(store, run.id)
    assert [(a.app, a.trace_id, a.question, a.reviewer) for a in found] == [
        ("failing", failing, "metrics_right", "ann@x"), ("failing", failing, "root_cause", "bob@x"),
        ("good", good, "quality", "ann@x"),
    ]  # fmt: skip
    assert (found[0].value, found[0].comment) == ("False", "the build works")
    assert (len(found[1].value), found[1].comment) == (500, "")
    assert [a.at for a in found] == sorted(a.at for a in found)
    assert found[0].at > 1_700_000_000_000


def test_an_answer_that_was_changed_counts_once(store: Store, tmp_path: Path) -> None:
    run, written = told(store, tmp_path, ["failing"])
    (trace,) = written.traces["failing"]
    say(trace, "quality", "good")
    (said,) = store.client.get_trace(trace).info.assessments[-1:]
    import mlflow

    mlflow.override_feedback(trace_id=trace, assessment_id=said.assessment_id, value="poor", source=said.source)
    assert [answer.value for answer in answers(store, run.id)] == ["poor"]


def test_statuses_follow_the_reviewers(store: Store, tmp_path: Path) -> None:
    from mlflow.genai import review_queues

    run, written = told(store, tmp_path, ["good", "failing", "blocked"])
    traces = {app: ids[0] for app, ids in written.traces.items()}
    assert statuses(store, list(traces.values())) == {}, "there is no queue yet"
    request_reviews(store, run, written, run.apps[:2])
    assert statuses(store, list(traces.values())) == {traces["good"]: "pending", traces["failing"]: "pending"}
    (queue,) = queues(store)
    review_queues.set_review_queue_item_status(
        queue.queue_id, item_id=traces["good"], status="complete", completed_by="ann@x"
    )
    review_queues.set_review_queue_item_status(
        queue.queue_id, item_id=traces["failing"], status="declined", completed_by="ann@x"
    )
    assert statuses(store, list(traces.values())) == {traces["good"]: "complete", traces["failing"]: "declined"}
    request_reviews(store, run, written, run.apps[:2])
    assert statuses(store, [traces["good"]]) == {traces["good"]: "complete"}, "what is done is not asked again"


def test_runs_in_one_queue_are_kept_apart(store: Store, tmp_path: Path) -> None:
    first, one = told(store, tmp_path, ["failing"], run_id="run-1")
    second, two = told(store, tmp_path, ["failing", "blocked"], run_id="run-2")
    request_reviews(store, first, one, first.apps)
    request_reviews(store, second, two, second.apps[1:])
    assert len(queues(store)) == 1
    assert items(store) == sorted([one.traces["failing"][0], two.traces["blocked"][0]])
    assert requested(store, run_key(first)) == {"failing": one.traces["failing"][0]}
    assert requested(store, run_key(second)) == {"blocked": two.traces["blocked"][0]}
    assert requested(store, "run-3") == {}
    say(one.traces["failing"][0], "quality", "poor")
    say(two.traces["failing"][0], "quality", "fair")
    assert [answer.value for answer in answers(store, run_key(first))] == ["poor"]
    assert [answer.value for answer in answers(store, run_key(second))] == ["fair"]


# ---------------------------------------------------------------------- on Databricks


@dataclass
class FakeSession:
    name: str
    label_schemas: list[str]
    url: str = "https://workspace/review"
    traces: list[str] = field(default_factory=list)

    def add_traces(self, traces: Sequence[Any]) -> FakeSession:
        self.traces += [trace.info.trace_id for trace in traces]
        return self


@dataclass
class FakeWorkspace:
    """What MLflow asks of Databricks: sessions, and schemas whose inputs it can say in Databricks' words."""

    sessions: list[FakeSession] = field(default_factory=list)
    schemas: dict[str, dict[str, Any]] = field(default_factory=dict)

    def get_labeling_sessions(self) -> list[FakeSession]:
        return self.sessions

    def create_labeling_session(self, name: str, *, assigned_users: Sequence[str] = (), agent: str | None = None,
                                label_schemas: Sequence[str] = ()) -> FakeSession:  # fmt: skip
        assert set(label_schemas) <= self.schemas.keys(), "a session takes schemas that are there"
        self.sessions.append(FakeSession(name, list(label_schemas)))
        return self.sessions[-1]

    def create_label_schema(self, name: str, *, type: str, input: Any, title: str | None = None,
                            instruction: str | None = None, enable_comment: bool = False, overwrite: bool = False) -> None:  # fmt: skip
        assert overwrite or name not in self.schemas
        assert title is not None, "Databricks wants one"
        assert type in ("feedback", "expectation")
        assert name.isidentifier()
        if input.__class__.__name__ == "InputPassFail":
            input._to_databricks_input()  # raises what MLflow raises
        self.schemas[name] = {"title": title, "input": input, "comment": enable_comment}


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch, store: Store) -> FakeWorkspace:
    import mlflow.genai
    from mlflow.genai import label_schemas

    fake = FakeWorkspace()
    monkeypatch.setattr(mlflow.genai, "get_labeling_sessions", fake.get_labeling_sessions)
    monkeypatch.setattr(mlflow.genai, "create_labeling_session", fake.create_labeling_session)
    monkeypatch.setattr(label_schemas, "create_label_schema", fake.create_label_schema)
    return fake


def at_databricks(store: Store) -> Store:
    """The same store, called Databricks."""
    return replace(store, destination=Destination("databricks", "/Shared/appeval"))


def test_a_session_per_run(store: Store, workspace: FakeWorkspace, tmp_path: Path) -> None:
    run, written = told(store, tmp_path)
    there = at_databricks(store)
    asked = request_reviews(there, run, written, run.apps)
    assert (asked.apps, asked.where) == (("good", "failing"), "https://workspace/review")
    (session,) = workspace.sessions
    assert session.name == f"AppEval {run.id}"
    assert session.label_schemas == list(NAMES)
    assert session.traces == [*written.traces["good"], *written.traces["failing"]]
    assert {name: schema["title"] for name, schema in workspace.schemas.items()} == {q.name: q.title for q in QUESTIONS}
    kinds = {
        name: (type(schema["input"]).__name__, getattr(schema["input"], "options", None))
        for name, schema in workspace.schemas.items()
    }
    assert kinds == {
        "metrics_right": ("InputCategorical", ["yes", "no"]), "root_cause": ("InputText", None),
        "issue_of": ("InputCategorical", ["template", "generation", "neither"]),
        "quality": ("InputCategorical", ["excellent", "good", "fair", "poor"]),
    }  # fmt: skip
    assert queues(store) == [], "there is no queue beside it"


def test_a_session_is_asked_once(store: Store, workspace: FakeWorkspace, tmp_path: Path) -> None:
    run, written = told(store, tmp_path)
    there = at_databricks(store)
    for _ in range(2):
        request_reviews(there, run, written, run.apps[:1])
    (session,) = workspace.sessions
    assert session.traces == list(written.traces["good"])
    request_reviews(there, run, written, run.apps)
    assert session.traces == [*written.traces["good"], *written.traces["failing"]], "who comes later is added"
    assert len(workspace.sessions) == 1
    assert statuses(there, session.traces) == {}


def test_a_session_that_was_cut_off_is_filled(
    store: Store, workspace: FakeWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, written = told(store, tmp_path)
    there = at_databricks(store)

    def cut(_self: FakeSession, _traces: Sequence[Any]) -> FakeSession:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(FakeSession, "add_traces", cut)
        with pytest.raises(KeyboardInterrupt):
            request_reviews(there, run, written, run.apps)
    request_reviews(there, run, written, run.apps)
    (session,) = workspace.sessions
    assert session.traces == [*written.traces["good"], *written.traces["failing"]]


def test_each_run_has_a_session_of_its_own(store: Store, workspace: FakeWorkspace, tmp_path: Path) -> None:
    there = at_databricks(store)
    for name in ("run-1", "run-2"):
        run, written = told(store, tmp_path, ["failing"], run_id=name)
        request_reviews(there, run, written, run.apps)
    assert [session.name for session in workspace.sessions] == ["AppEval run-1", "AppEval run-2"]
    assert workspace.sessions[0].traces != workspace.sessions[1].traces
