"""An evaluation in MLflow, with a real database: what is told, that telling twice tells once, and what is mended."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plugins.metric import load_metrics
from plugins.tracking.runs import TABLE, averages, find_run, parameters, write_run
from plugins.tracking.store import Destination, Store, TrackingError, open_store
from plugins.tracking.traces import evaluation_traces, run_key
from reports.model import Run
from tests.stored import KINDS, stored_run


def state_of(store: Store, run: Run) -> dict[str, Any]:
    """Everything that MLflow holds of a run, apart from ids that it gives itself."""
    found = find_run(store, run_key(run))
    assert found is not None
    run_id = found.info.run_id
    infos = sorted(evaluation_traces(store, run_key(run)), key=lambda info: info.trace_id)
    return {
        "status": (found.info.status, found.info.start_time, found.info.end_time),
        "params": found.data.params,
        "metrics": {n: [(m.value, m.step) for m in store.client.get_metric_history(run_id, n)] for n in found.data.metrics},
        "tags": found.data.tags,
        "files": sorted(_files(store, run_id, "")),
        "traces": [
            (
                info.trace_id, info.request_time, info.execution_duration, info.state, info.request_preview,
                {name: text for name, text in info.tags.items() if not name.startswith("mlflow.")},
                sorted(
                    (a.assessment_id, a.name, str(a.feedback and a.feedback.value), str(a.error), a.rationale)
                    for a in info.assessments
                ),
                sorted((s.name, s.start_time_ns, s.status.status_code) for s in store.client.get_trace(info.trace_id).data.spans),
            )
            for info in infos
        ],
    }  # fmt: skip


def _files(store: Store, run_id: str, folder: str) -> list[str]:
    found = []
    for file in store.client.list_artifacts(run_id, folder or None):
        found += _files(store, run_id, file.path) if file.is_dir else [f"{file.path} {file.file_size}"]
    return found


@pytest.fixture(params=["database", "server"])
def anywhere(request: pytest.FixtureRequest) -> Destination:
    """A database file, and a real server."""
    where: Destination = request.getfixturevalue("place" if request.param == "database" else "at_server")
    return where


def test_a_run_is_told_whole_and_telling_again_changes_nothing(anywhere: Destination, tmp_path: Path) -> None:
    run, run_dir = stored_run(tmp_path)
    with open_store(anywhere) as store:
        first = write_run(store, run, run_dir)
        before = state_of(store, run)
        assert write_run(store, run, run_dir) == first
        assert state_of(store, run) == before
        count = len(store.client.search_runs([store.experiment_id]))
        everything = len(store.client.search_traces(locations=[store.experiment_id], max_results=100))
    assert (count, everything) == (1, len(KINDS))
    assert before["status"][0] == "FINISHED"
    assert before["params"] | {"sandbox": "docker", "model": "a-model", "apps": "6", "profile": "weighted",
                               "profile_version": "1", "git_commit": "abc123", "toolchain.node": "v20.1.0",
                               "mode": "unknown"} == before["params"]  # fmt: skip
    assert {"run.json", TABLE} <= {file.split()[0] for file in before["files"]}
    assert "apps/good/screenshot.png 4" in before["files"]
    assert [len(trace[6]) for trace in before["traces"]] == [9] * len(KINDS)


def test_assessments_say_what_the_verdicts_say(store: Store, tmp_path: Path) -> None:
    run, run_dir = stored_run(tmp_path)
    written = write_run(store, run, run_dir)
    by_app = {
        app: {a.name: a for a in store.client.get_trace(ids[0]).info.assessments} for app, ids in written.traces.items()
    }
    assert {len(assessments) for assessments in by_app.values()} == {9}

    def said(app: str, metric: str) -> tuple[Any, str | None]:
        found = by_app[app][metric]
        return found.feedback.value, found.error.error_code if found.error else None

    assert said("good", "build_success") == (True, None)
    assert said("good", "deployability") == (5.0, None)
    assert said("failing", "type_safety") == (False, None)
    assert by_app["failing"]["type_safety"].rationale == "3 errors: a.ts:1 TS2322"
    assert by_app["failing"]["type_safety"].metadata["appeval.reason"] == "types.errors"
    assert by_app["failing"]["type_safety"].metadata["appeval.link.01"] == "apps/failing/logs/type_safety.log"
    assert said("blocked", "ui_renders") == (False, None)
    assert said("unmeasured", "deployability") == (None, "UNMEASURED")
    assert said("broken", "tests_pass") == (None, "HARNESS_ERROR")
    assert said("inapplicable", "databricks_connectivity") == ("not applicable", None)
    assert said("inapplicable", "local_runability") == (3.0, None)
    found = store.client.search_traces(locations=[store.experiment_id], filter_string="feedback.type_safety = 'false'")
    assert [trace.info.tags["appeval.app"] for trace in found] == ["failing"]


def test_a_trace_shows_every_stage_with_its_own_times(store: Store, tmp_path: Path) -> None:
    run, run_dir = stored_run(tmp_path, ["good"])
    (trace_id,) = write_run(store, run, run_dir).traces["good"]
    trace = store.client.get_trace(trace_id)
    spans = {span.name: span for span in trace.data.spans}
    root = spans["evaluate good"]
    assert root.parent_id is None
    assert all(span.parent_id == root.span_id for span in spans.values() if span is not root)
    assert (root.end_time_ns - root.start_time_ns) / 1e9 == pytest.approx(7.0)
    build = spans["stage build"]
    assert (build.start_time_ns - root.start_time_ns) / 1e9 == pytest.approx(1.0)
    assert (build.end_time_ns - build.start_time_ns) / 1e9 == pytest.approx(2.0)
    (command,) = build.outputs["commands"]
    assert (command["command"], command["exit_code"]) == ("npm run build", 0)
    assert spans["stage start"].status.status_code == "ERROR"
    assert "the server exited 1" in spans["stage start"].status.description
    assert spans["stage page"].status.status_code != "ERROR", "a stage that was not reached is nobody's error"
    assert spans["metric build_success"].outputs["state"] == "PASS"
    assert {f"metric {metric.name}" for metric in load_metrics()} <= spans.keys()
    assert trace.info.tags["generation_trace_id"] == "tr-good"
    assert trace.info.tags["appeval_100"] == "100"
    assert trace.info.client_request_id == "req-good"


def test_the_table_is_one_that_mlflow_reads(store: Store, tmp_path: Path) -> None:
    import mlflow

    run, run_dir = stored_run(tmp_path)
    written = write_run(store, run, run_dir)
    write_run(store, run, run_dir)
    frame = mlflow.load_table(TABLE, run_ids=[written.run_id])
    assert list(frame["app"]) == list(KINDS)
    row = frame.set_index("app").loc["failing"]
    assert (row["type_safety"], row["type_safety_state"], row["type_safety_reason"]) == (0.0, "FAIL", "types.errors")
    assert (row["trace_id"], row["evaluation_trace_id"]) == ("tr-failing", written.traces["failing"][0])
    assert (row["request_id"], row["gen_model"], row["gen_cost_usd"]) == ("req-failing", "a-model", 0.5)
    assert row["run_id"] == run.id
    raw = json.loads(Path(store.client.download_artifacts(written.run_id, TABLE)).read_text(encoding="utf-8"))
    unmeasured = dict(zip(raw["columns"], raw["data"][KINDS.index("unmeasured")], strict=True))
    assert (unmeasured["generated_at"], unmeasured["evaluated_at"]) == ("2026-01-01T00:00:00Z", run.started)
    assert unmeasured["deployability"] is None
    assert unmeasured["appeval_100"] is None
    assert unmeasured["appeval_100_low"] < unmeasured["appeval_100_high"]


def test_links_of_verdicts_lead_to_files_and_never_out_of_the_run(store: Store, tmp_path: Path) -> None:
    run, run_dir = stored_run(tmp_path, ["good"])
    (tmp_path / "secret").write_text("not for others")
    (run_dir / "apps/good/logs/way-out.log").symlink_to(tmp_path / "secret")
    bad = ("apps/good/logs/way-out.log", "../../secret", "/etc/hostname", "apps/good/logs/gone.log")
    verdicts = (
        replace(run.apps[0].verdicts[0], links=(*run.apps[0].verdicts[0].links, *bad)),
        *run.apps[0].verdicts[1:],
    )
    run = replace(run, apps=(replace(run.apps[0], verdicts=verdicts),))
    written = write_run(store, run, run_dir)
    held = {file.split()[0] for file in _files(store, written.run_id, "")}
    info = store.client.get_trace(written.traces["good"][0]).info
    links = {
        text for a in info.assessments for name, text in (a.metadata or {}).items() if name.startswith("appeval.link")
    }
    assert links - set(bad) <= held
    assert len(links - set(bad)) == 9
    assert not any(word in name for name in held for word in ("secret", "way-out", "hostname"))


def test_epochs_have_a_trace_each(store: Store, tmp_path: Path) -> None:
    run, run_dir = stored_run(tmp_path, ["good"], epochs=3)
    traces = write_run(store, run, run_dir).traces["good"]
    assert len(set(traces)) == 3
    assert [len(store.client.get_trace(trace).info.assessments) for trace in traces] == [9, 9, 9]


class Killed(BaseException):
    """Stands for SIGKILL: nobody handles it."""


@pytest.mark.parametrize(
    ("call", "after"),
    [
        ("create_run", 1),
        ("log_batch", 2),
        ("start_trace", 2),
        ("log_spans", 3),
        ("log_artifacts", 1),
        ("set_terminated", 0),
    ],
)
def test_what_was_cut_off_is_completed(
    made_database: Path, place: Destination, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, after: int
) -> None:
    """Cut off after so many calls; told again the state is that of a run that was told in one go."""
    run, run_dir = stored_run(tmp_path)
    with open_store(place) as store:
        owner = store.tracing if call in ("start_trace", "log_spans") else store.client
        done, real = [0], getattr(owner, call)

        def cut(*given: Any, **named: Any) -> Any:
            if done[0] == after:
                raise Killed
            done[0] += 1
            made = real(*given, **named)
            if done[0] == after:
                raise Killed
            return made

        with monkeypatch.context() as patched:
            patched.setattr(owner, call, cut)
            with pytest.raises(Killed):
                write_run(store, run, run_dir)
        write_run(store, run, run_dir)
        mended = state_of(store, run)
    shutil.copy(made_database, tmp_path / "other.db")
    with open_store(Destination(f"sqlite:///{tmp_path / 'other.db'}", "appeval")) as store:
        write_run(store, run, run_dir)
        whole = state_of(store, run)
    assert mended.pop("traces") == whole.pop("traces")
    assert mended == whole


def test_a_result_that_mlflow_lost_is_an_error(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, run_dir = stored_run(tmp_path, ["good", "failing"])
    real = store.tracing.start_trace

    def losing(info: Any) -> Any:
        if "failing" in info.tags["appeval.app"]:
            info.assessments = info.assessments[:-1]
        return real(info)

    monkeypatch.setattr(store.tracing, "start_trace", losing)
    with pytest.raises(TrackingError, match=r"1 of 2 traces did not arrive whole \(failing\)"):
        write_run(store, run, run_dir)
    found = find_run(store, run_key(run))
    assert found is not None
    assert found.info.status == "RUNNING", "it does not look finished"
    monkeypatch.undo()
    write_run(store, run, run_dir)
    assert {len(info.assessments) for info in evaluation_traces(store, run_key(run))} == {9}


def test_averages_leave_out_what_nobody_knows(tmp_path: Path) -> None:
    run, _ = stored_run(tmp_path)
    told = averages(run)
    assert "avg_appeval_100" not in told, "an interval has no exact value"
    assert told["avg_appeval_100_low"] < told["avg_appeval_100_high"]
    assert (told["apps_attempted"], told["apps_scored"]) == (6, 3)
    assert "pass_rate.tests_pass" not in told
    assert told["pass_rate.build_success"] == 1.0
    assert (told["avg_cost_usd"], told["known.cost_usd"], told["avg_eff_units"]) == (0.5, 6, 4.0)
    assert (told["avg_coverage_percent"], told["avg_build_seconds"]) == (80.0, 2.0)
    assert "avg_image_bytes" not in told, "never measured is not 0"
    exact, _ = stored_run(tmp_path, ["good", "failing"])
    assert averages(exact)["avg_appeval_100"] == pytest.approx(92.5)


def test_parameters_say_mixed_and_unknown(tmp_path: Path) -> None:
    run, _ = stored_run(tmp_path, ["good", "failing"])
    apps = (run.apps[0], replace(run.apps[1], generation={"model": "b-model", "mode": "daily"}))
    told = parameters(replace(run, apps=apps))
    assert (told["model"], told["mode"], told["generator"]) == ("mixed: a-model, b-model", "daily", "unknown")
    assert told["metric_version.type_safety"].isdigit()


def test_one_run_may_be_told_in_two_experiments(place: Destination, tmp_path: Path) -> None:
    run, run_dir = stored_run(tmp_path, ["good"])
    twice = []
    for staging in (True, False):
        with open_store(replace(place, staging=staging)) as store:
            write_run(store, run, run_dir)
            twice.append(store)
    with open_store(place):
        for store in twice:
            (info,) = evaluation_traces(store, run_key(run))
            assert info.experiment_id == store.experiment_id
            assert len(info.assessments) == 9
    assert twice[0].experiment_id != twice[1].experiment_id
    assert find_run(twice[0], run_key(run)).data.tags["environment"] == "staging"  # type: ignore[union-attr]


def test_an_id_that_was_chosen_twice_is_two_runs(store: Store, tmp_path: Path) -> None:
    """`--run-dir=nightly`, every night."""
    run, run_dir = stored_run(tmp_path, ["good"], run_id="nightly")
    first = write_run(store, run, run_dir)
    second = write_run(store, replace(run, started="2026-01-03T03:04:05Z"), run_dir)
    assert first.run_id != second.run_id
    assert set(first.traces["good"]).isdisjoint(second.traces["good"])


def test_hostile_names_arrive_as_text(store: Store, tmp_path: Path) -> None:
    run, run_dir = stored_run(tmp_path, ["good"])
    name = "<script>alert(1)</script>\x1b[31m'; DROP \ud800" + "x" * 5000
    app = replace(run.apps[0], app=name, prompt="=cmd()\x00" + "y" * 9000)
    hostile = replace(run, id="it's `odd` 100%", apps=(app,))
    written = write_run(store, hostile, run_dir)
    write_run(store, hostile, run_dir)
    info = store.client.get_trace(written.traces[name][0]).info
    assert len(info.assessments) == 9
    assert "\x1b" not in info.tags["appeval.app"]
    assert len(evaluation_traces(store, run_key(hostile))) == 1


@pytest.mark.slow
def test_two_hundred_apps_take_less_than_half_a_minute(store: Store, tmp_path: Path) -> None:
    run, run_dir = stored_run(tmp_path, [f"{KINDS[number % 6]}-{number:03}" for number in range(200)])
    begin = time.monotonic()
    write_run(store, run, run_dir)
    assert time.monotonic() - begin < 30
    infos = evaluation_traces(store, run_key(run))
    assert (len(infos), {len(info.assessments) for info in infos}) == (200, {9})
