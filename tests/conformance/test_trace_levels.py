"""Three levels of traces that find each other, in a real MLflow server: the generation (an imported trajectory), the
running app (what it sends by OpenTelemetry), the evaluation. From each of them to the other two, by search alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from fixtures.app import App
from fixtures.discovery import discover
from fixtures.generation_trace import generation_trace_id
from plugins.cli import main
from plugins.tracking.links import Linked, evaluations_of_app, linked_to, trace_info
from plugins.tracking.runs import write_run
from plugins.tracking.store import ELSEWHERE, Destination, TrackingError, open_store
from plugins.tracking.trajectories import Outcome, import_trajectory
from tests.mlflow_server import free_port
from tests.unit.reports.conftest import make_app, make_run
from tests.world import installed, until, write

EXPORTER = "@opentelemetry/exporter-trace-otlp-proto@0.301.0"
SAID = (
    {"role": "user", "content": "a dashboard of sales", "timestamp": "2026-01-02T03:04:05Z"},
    {"role": "assistant", "content": "Done.", "timestamp": "2026-01-02T03:04:25Z", "usage": {"input_tokens": 5, "output_tokens": 2}},
)  # fmt: skip

Send = Callable[[Destination, str, str], str]


@dataclass(frozen=True, slots=True)
class Levels:
    """The ids of one app's traces."""

    generation: str
    app: str
    evaluation: str


def an_app(folder: Path, name: str, first: Mapping[str, str] | None = None) -> App:
    told = "\n".join(json.dumps(record) for record in ((first, *SAID) if first else SAID))
    write(folder / name, {"package.json": "{}", "trajectory.jsonl": told})
    return discover([str(folder / name)], folder).apps[0]


def by_python(place: Destination, experiment_id: str, generation: str, tags: Mapping[str, str] | None = None) -> str:
    """Send a trace as an app does; its id."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

    trace_id, now = os.urandom(16), time.time_ns()
    held = {"mlflow.spanType": "CHAIN", "mlflow.traceTag.generation_trace_id": generation}
    held |= {f"mlflow.traceTag.{name}": text for name, text in (tags or {}).items()}
    span = Span(
        trace_id=trace_id, span_id=os.urandom(8), name="GET /api/data",
        start_time_unix_nano=now - 5_000_000, end_time_unix_nano=now,
        attributes=[KeyValue(key=name, value=AnyValue(string_value=text)) for name, text in held.items()],
    )  # fmt: skip
    request = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[span])])])
    answer = httpx.post(
        f"{place.uri}/v1/traces", content=request.SerializeToString(), trust_env=False, timeout=30,
        headers={"content-type": "application/x-protobuf", "x-mlflow-experiment-id": experiment_id},
    )  # fmt: skip
    assert answer.is_success, answer.text
    return f"tr-{trace_id.hex()}"


def by_node(folder: Path) -> Send:
    """Start the instrumented app, ask it once, and stop it; the id of the trace that it says it made."""

    def send(place: Destination, experiment_id: str, generation: str) -> str:
        write(folder, {"app.mjs": Path(__file__).with_name("traced_app.mjs").read_bytes()})
        (folder / "node_modules").symlink_to(installed(EXPORTER))
        port = free_port()
        environment = {
            "PATH": os.environ["PATH"], "PORT": str(port), "MLFLOW_TRACKING_URI": place.uri,
            "MLFLOW_EXPERIMENT_ID": experiment_id, "GENERATION_TRACE_ID": generation,
        }  # fmt: skip
        with subprocess.Popen(
            ["node", "app.mjs"], cwd=folder, env=environment, stdout=subprocess.PIPE, start_new_session=True
        ) as app:
            try:
                assert app.stdout is not None
                assert app.stdout.readline() == b"up\n"
                answer = httpx.get(f"http://127.0.0.1:{port}/api/data", trust_env=False, timeout=10)
                made = str(answer.json()["trace"])
                with open_store(place) as store:
                    until(lambda: trace_info(store, made), 15)
                return made
            finally:
                os.killpg(app.pid, signal.SIGKILL)

    return send


def made(place: Destination, folder: Path, app: App, send: Send) -> Levels:
    """All three levels of an app."""
    generation = generation_trace_id(app)
    assert generation is not None
    with open_store(place) as store:
        assert import_trajectory(store, app).outcome is Outcome.IMPORTED
        experiment_id = store.experiment_id
    sent = send(place, experiment_id, generation)
    with open_store(place) as store:
        judged = make_app(app.name, "P P P P P P P 5 5", 100, 100, trace_ids={"generation": generation})
        (folder / "run").mkdir(exist_ok=True)
        written = write_run(store, make_run(judged), folder / "run")
    return Levels(generation, sent, written.traces[app.name][0])


@pytest.fixture(autouse=True)
def _no_other_experiments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ELSEWHERE, raising=False)


@pytest.mark.parametrize("kind", ["python", "node"])
def test_from_each_level_to_the_other_two(
    at_server: Destination, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"{kind} of o'hara"  # which a filter has to be told with care
    app = an_app(tmp_path, name)
    ids = made(at_server, tmp_path, app, by_python if kind == "python" else by_node(tmp_path / "running"))
    with open_store(at_server) as store:
        wanted = Linked(ids.generation, True, (ids.app,), (ids.evaluation,))
        for begin in (ids.generation, ids.app, ids.evaluation):
            assert linked_to(store, begin) == wanted, begin
        evaluated = trace_info(store, ids.evaluation)
        assert evaluated is not None
        assert evaluated.tags["app_trace_ids"] == ids.app
        assert [info.trace_id for info in evaluations_of_app(store, name)] == [ids.evaluation]
        assert evaluations_of_app(store, name, "another") == []
        page = f"{at_server.uri}/#/experiments/{store.experiment_id}/traces"
    at = ["--mlflow", at_server.uri, "--experiment", at_server.experiment]
    run = "run 20260102-030405, epoch 1"
    for begun in (name, ids.generation, ids.app, ids.evaluation):
        assert main(["trace", begun, *at]) == 0
        assert capsys.readouterr().out.splitlines() == [
            f"generation  {ids.generation}  {page}/{ids.generation}",
            f"app         {ids.app}  {page}/{ids.app}",
            f"evaluation  {ids.evaluation}  {run}  {page}/{ids.evaluation}",
        ]
    assert main(["trace", name, "--run", "20260102-030405", *at]) == 0
    assert ids.evaluation in capsys.readouterr().out
    assert main(["trace", name, "--run", "another", *at]) == 1


def test_a_generation_that_mlflow_does_not_have_joins_the_others_all_the_same(
    at_server: Destination, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Until somebody imports it."""
    app = an_app(tmp_path, "later")
    generation = generation_trace_id(app)
    assert generation is not None
    with open_store(at_server) as store:
        sent = by_python(at_server, store.experiment_id, generation)
        assert linked_to(store, sent) == Linked(generation, False, (sent,), ())
    at = ["--mlflow", at_server.uri, "--experiment", at_server.experiment]
    assert main(["trace", generation, *at]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith(f"generation  {generation}: the app's files name it, and MLflow does not have it")
    assert told[2].startswith("evaluation  none: ")
    with open_store(at_server) as store:
        import_trajectory(store, app)
        assert linked_to(store, sent) == Linked(generation, True, (sent,), ())


def test_many_traces_of_the_app_hide_no_evaluation_and_none_passes_for_a_generation(
    at_server: Destination, tmp_path: Path
) -> None:
    ids = made(at_server, tmp_path, an_app(tmp_path, "busy"), by_python)
    with open_store(at_server) as store:
        sent = [by_python(at_server, store.experiment_id, ids.generation) for _ in range(60)]
        own = by_python(at_server, store.experiment_id, ids.generation, {"appeval.level": "app"})
        linked = linked_to(store, ids.app)
        assert linked.evaluations == (ids.evaluation,)
        assert (linked.generation, len(linked.apps)) == (ids.generation, 50)
        assert set(linked.apps) <= {*sent, own, ids.app}
        assert own in linked.apps, "an app may name its own level"


def test_traces_in_another_experiment_are_found_if_it_is_named(
    at_server: Destination, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Destination(at_server.uri, f"{at_server.experiment}-apps")
    with open_store(other) as store:
        elsewhere = store.experiment_id
    ids = made(at_server, tmp_path, an_app(tmp_path, "far"), lambda place, _, name: by_python(place, elsewhere, name))
    with open_store(at_server) as store:
        assert linked_to(store, ids.generation).apps == ()
        monkeypatch.setenv(ELSEWHERE, f" {other.experiment} ,")
        assert linked_to(store, ids.generation) == Linked(ids.generation, True, (ids.app,), (ids.evaluation,))
        monkeypatch.setenv(ELSEWHERE, "nowhere")
    with pytest.raises(TrackingError, match="there is no experiment 'nowhere'"), open_store(at_server) as store:
        linked_to(store, ids.generation)


@pytest.mark.parametrize("name", ["tr-" + "f" * 32, "nonsense", "a/../../b", "trace:/a.b/c", "..", "x?y=1", "x" * 500])
def test_an_unknown_id_is_none(at_server: Destination, name: str) -> None:
    with open_store(at_server) as store:
        assert trace_info(store, name) is None
        assert linked_to(store, name) == Linked(name, False, (), ())


def test_a_generation_that_is_in_another_experiment_is_not_imported_again(
    at_server: Destination, tmp_path: Path
) -> None:
    """MLflow has one trace of an id."""
    app, other = an_app(tmp_path, "moved"), Destination(at_server.uri, f"{at_server.experiment}-first")
    with open_store(other) as store:
        first = import_trajectory(store, app)
    with open_store(at_server) as store:
        again = import_trajectory(store, app)
        assert (again.outcome, again.trace_id) == (Outcome.THERE, first.trace_id)
        assert again.remark == f"in the experiment {other.experiment}"
        assert first.trace_id is not None
        assert linked_to(store, first.trace_id).generation_found


def test_an_imported_generation_under_the_id_that_the_app_names(at_server: Destination, tmp_path: Path) -> None:
    named = f"tr-{os.urandom(16).hex()}"
    app = an_app(tmp_path, "named", {"trace_id": named})
    with open_store(at_server) as store:
        assert import_trajectory(store, app).trace_id == named
        trace = store.client.get_trace(named)
    assert trace.info.token_usage == {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
    assert [span.name for span in trace.data.spans if span.parent_id is None] == ["generate named"]
