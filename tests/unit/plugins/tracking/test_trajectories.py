"""Trajectories as traces, in a real MLflow on SQLite: one database for all tests here, as a new one takes seconds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.app import App
from fixtures.discovery import discover
from fixtures.generation_trace import generation_trace_id
from plugins.cli import main
from plugins.tracking.links import generations_of_app, linked_to, trace_info
from plugins.tracking.store import Destination, Store, open_store
from plugins.tracking.trajectories import WHOLE, Outcome, import_trajectory
from tests.world import write

if TYPE_CHECKING:
    from mlflow.entities import Trace

NAMED = "tr-" + "0123456789abcdef" * 2
SAID = (
    {"role": "user", "content": "a dashboard\n  of sales", "timestamp": "2026-01-02T03:04:05Z"},
    {"role": "assistant", "content": "I write it.", "model": "claude-x", "timestamp": "2026-01-02T03:04:15Z",
     "usage": {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 30},
     "tool_calls": [{"id": "c1", "function": {"name": "write", "arguments": '{"path": "a.ts"}'}},
                    {"id": "c2", "function": {"name": "npm", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "c1", "content": "written", "timestamp": "2026-01-02T03:04:16Z"},
    {"role": "tool", "tool_call_id": "c2", "content": "no such script", "is_error": True},
    {"role": "assistant", "content": "Done.", "timestamp": "2026-01-02T03:04:25Z", "usage": {"input_tokens": 50, "output_tokens": 2}},
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Destination:
    return Destination(f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'm.db'}", "trajectories")


@pytest.fixture
def store(place: Destination) -> Iterator[Store]:
    with open_store(place) as opened:
        yield opened


def an_app(folder: Path, *records: Any, **files: str) -> App:
    """`files` are named with `__` for the dot."""
    told = "\n".join(r if isinstance(r, str) else json.dumps(r) for r in records)
    named = {name.replace("__", "."): text for name, text in files.items()}
    write(folder, {"package.json": "{}", **({"trajectory.jsonl": told} if records else {}), **named})
    return discover([str(folder)], folder).apps[0]


def trace_of(store: Store, trace_id: str | None) -> Trace:
    assert trace_id is not None
    found: Trace = store.client.get_trace(trace_id)
    return found


def test_messages_and_calls_are_spans_with_times_and_tokens(store: Store, tmp_path: Path) -> None:
    app = an_app(tmp_path / "sales", *SAID, prompt__txt="dashboard of sales")
    done = import_trajectory(store, app)
    assert (done.outcome, done.trace_id, done.remark) == (
        Outcome.IMPORTED, generation_trace_id(app), "3 messages, 2 tool calls",
    )  # fmt: skip
    trace = trace_of(store, done.trace_id)
    assert trace.info.tags.items() >= {"appeval.level": "generation", "appeval.app": "sales", WHOLE: "true"}.items()
    assert trace.info.request_time == 1_767_323_045_000
    assert trace.info.execution_duration == 20_000
    assert trace.info.token_usage == {
        "input_tokens": 90, "output_tokens": 7, "total_tokens": 97, "cache_read_input_tokens": 30,
    }  # fmt: skip
    root, *below = sorted(trace.data.spans, key=lambda span: (span.parent_id is not None, span.start_time_ns))
    assert (root.name, root.span_type) == ("generate sales", "AGENT")
    assert (root.inputs, root.outputs) == ({"prompt": "dashboard of sales"}, {"message": "Done."})
    assert {span.parent_id for span in below} == {root.span_id}
    by_name = {f"{span.name} {span.outputs}": span for span in below}
    assert len(by_name) == 4
    model = next(span for span in below if span.name == "model claude-x")
    assert model.span_type == "LLM"
    assert (model.end_time_ns or 0) - model.start_time_ns == 10_000_000_000
    assert model.get_attribute("mlflow.chat.tokenUsage") == {
        "input_tokens": 40, "output_tokens": 5, "total_tokens": 45, "cache_read_input_tokens": 30,
    }  # fmt: skip
    assert model.inputs == {"messages": [{"role": "user", "content": "a dashboard\n  of sales"}]}, "lines stay"
    written = next(span for span in below if span.name == "tool write")
    assert (written.span_type, written.inputs, written.outputs) == ("TOOL", {"path": "a.ts"}, "written")
    assert (written.status.status_code.value, written.get_attribute("appeval.time_measured")) == ("OK", True)
    failed = next(span for span in below if span.name == "tool npm")
    assert (failed.status.status_code.value, failed.status.description) == ("ERROR", "no such script")
    assert failed.get_attribute("appeval.time_measured") is False


def test_twice_gives_one_trace_and_what_was_cut_off_is_completed(store: Store, tmp_path: Path) -> None:
    app = an_app(tmp_path / "twice", *SAID)
    first, again = import_trajectory(store, app), import_trajectory(store, app)
    assert (again.outcome, again.trace_id) == (Outcome.THERE, first.trace_id)
    assert first.trace_id is not None
    store.client.delete_trace_tag(first.trace_id, WHOLE)
    assert import_trajectory(store, app).outcome is Outcome.IMPORTED
    assert [info.trace_id for info in generations_of_app(store, "twice")] == [first.trace_id]
    assert len(trace_of(store, first.trace_id).data.spans) == 5
    held = {path.name for path in app.path.iterdir()}
    assert held == {"package.json", "trajectory.jsonl"}, "nothing is written into the app's folder"


def test_under_the_id_that_its_files_name_if_that_is_free(store: Store, tmp_path: Path) -> None:
    app = an_app(tmp_path / "named", {"trace_id": NAMED}, *SAID)
    assert import_trajectory(store, app).trace_id == NAMED
    other = an_app(tmp_path / "other", {"trace_id": NAMED}, *SAID[:2])
    done = import_trajectory(store, other)
    assert (done.outcome, done.trace_id) == (Outcome.THERE, NAMED)
    assert trace_of(store, NAMED).info.tags["appeval.app"] == "named", "what is there stays as it is"


@pytest.mark.parametrize("name", ["req_12345", "a/../../b", "tr-" + "0" * 32, "TR-" + "a" * 32])
def test_an_id_that_is_none_of_mlflows_leads_to_the_imported_trace(store: Store, tmp_path: Path, name: str) -> None:
    app = an_app(tmp_path / "odd", {"trace_id": name}, *SAID)
    done = import_trajectory(store, app)
    assert done.outcome is Outcome.IMPORTED
    assert done.trace_id not in (None, name)
    assert generation_trace_id(app) == name, "which is what evaluations carry"
    linked = linked_to(store, name)
    assert (linked.generation, linked.generation_found) == (done.trace_id, True)
    assert import_trajectory(store, app).outcome is Outcome.THERE


def test_an_evaluation_is_nobodys_generation(store: Store, tmp_path: Path) -> None:
    mine = import_trajectory(store, an_app(tmp_path / "victim", *SAID)).trace_id
    assert mine is not None
    store.client.set_trace_tag(mine, "appeval.level", "evaluation")
    done = import_trajectory(store, an_app(tmp_path / "liar", {"trace_id": mine}, *SAID))
    assert done.outcome is Outcome.IMPORTED
    assert done.trace_id != mine


def test_without_a_trajectory_or_with_a_broken_one(store: Store, tmp_path: Path) -> None:
    none = import_trajectory(store, an_app(tmp_path / "none"))
    assert (none.outcome, none.trace_id) == (Outcome.NONE, None)
    named = import_trajectory(store, an_app(tmp_path / "lost", generation_metrics__json='{"trace_id": "tr-lost"}'))
    assert named.remark == "its files name the trace tr-lost, which MLflow does not have"
    broken = import_trajectory(store, an_app(tmp_path / "broken", "\x00\x01 no json"))
    assert (broken.outcome, broken.trace_id) == (Outcome.UNREADABLE, None)
    assert broken.remark == "trajectory.jsonl tells of no message and no tool call (1 line of it is broken)"


def test_hostile_words_are_held_and_found(store: Store, tmp_path: Path) -> None:
    name = "it's \"x\"` \\ %_'; DROP TABLE"
    app = an_app(
        tmp_path / name, '{"role": "user", "content": "\\ud800\\u0000\\u202e"}', {"tool": "\x1b[31mrm\x00", "args": ["\x00"]},
        {"role": "assistant", "content": "y" * 50_000}, "broken",
    )  # fmt: skip
    done = import_trajectory(store, app)
    assert done.remark == "2 messages, 1 tool call; 1 broken line passed over"
    assert [info.trace_id for info in generations_of_app(store, name)] == [done.trace_id]
    assert generations_of_app(store, name.replace("'", "_")) == [], "no other name finds it"
    text = json.dumps(trace_of(store, done.trace_id).to_dict())
    assert "\\u0000" not in text
    assert "\\u001b" not in text


def test_a_long_trajectory_is_whole(store: Store, tmp_path: Path) -> None:
    app = an_app(tmp_path / "long", *({"tool": "t", "args": {"n": n}, "result": "r"} for n in range(1200)))
    assert len(trace_of(store, import_trajectory(store, app).trace_id).data.spans) == 1201


@pytest.mark.parametrize("name", ["nothing", "tr-" + "f" * 32, "a/b", "..", "?x=1", "x" * 500, ""])
def test_an_unknown_id_is_none(store: Store, name: str) -> None:
    assert trace_info(store, name) is None


def test_the_commands(
    place: Destination, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    an_app(tmp_path / "apps" / "told", *SAID)
    an_app(tmp_path / "apps" / "mute")
    an_app(tmp_path / "apps" / "torn", "{")
    (tmp_path / "apps" / "notes").mkdir()
    at = ["--mlflow", place.uri, "--experiment", "commands"]
    monkeypatch.chdir(tmp_path)
    assert main(["import-trajectories", "apps", *at]) == 1, "one could not be read"
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" as ")[0] for line in lines][:2] == ["mute: no trajectory", "told: imported"]
    assert (
        lines[2]
        == "torn: not imported (trajectory.jsonl tells of no message and no tool call (1 line of it is broken))"
    )
    assert lines[3].startswith("notes: skipped: ")
    assert main(["trace", "told", *at]) == 0
    generation, app, evaluation = capsys.readouterr().out.splitlines()
    assert generation.split()[0] == "generation"
    assert generation.split()[1] in lines[1]
    assert app.startswith("app         none: the running app sent no trace with the tag generation_trace_id = tr-")
    assert "mlflow server" in app
    assert evaluation.startswith("evaluation  none: ")
    assert main(["trace", "nobody", *at]) == 1
    assert "knows no app or trace 'nobody'" in capsys.readouterr().err


def test_trouble_with_the_store_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "x", "--mlflow", f"sqlite:///{tmp_path / 'no.db'}"]) == 3
    assert capsys.readouterr().err.startswith("appeval: there is no ")
    assert list(tmp_path.iterdir()) == [], "who only reads makes no database"
    assert main(["trace", "x", "--mlflow", "nonsense"]) == 4
