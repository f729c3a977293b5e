"""Datasets of apps in a real MLflow: what a record holds, when a version is made, and what differs between two."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.app import App, content_digest
from fixtures.discovery import discover
from plugins.tracking.datasets import merge, names, records_of, versions
from plugins.tracking.records import Record, differences, record_of_app, record_of_result
from plugins.tracking.store import Destination, Store, TrackingError, open_store
from reports.model import Run, State
from tests.stored import stored_run
from tests.world import blank_app, write

BOTH_SHAPES = """success = true
large = true
[verdicts]
build_success = "PASS"
deployability = { state = "FAIL", low = 2, high = 2 }
tests_pass = "UNMEASURED"
data_returned = { state = "HARNESS_ERROR" }
ui_renders = 5
type_safety = { low = 1 }
[local]
build_success = "UNMEASURED"
"""
GENERATION = {
    "prompt": "count churn", "category": "sales", "complexity": 3, "prompt_set_version": "v2", "generator": "ours",
    "model": "a-model", "cost_usd": 1.0, "trace_id": "tr-00000000000000000000000000000001",
}  # fmt: skip


def an_app(folder: Path, **files: str) -> App:
    """`a__b` in a name is a dot."""
    blank_app(folder)
    write(folder, {name.replace("__", "."): text for name, text in files.items()})
    return discover([str(folder)], folder).apps[0]


def a_record(app: str = "churn", **more: Any) -> Record:
    wanted = {"prompt": "p", "app_dir": f"/apps/{app}", "content_hash": "h1", "expected": {}, "tags": {},
              "source": {"expected_from": "nobody"}}  # fmt: skip
    return Record(app, **{**wanted, **more})


def held(store: Store, name: str = "apps") -> list[dict[str, Any]]:
    return sorted(records_of(store, name), key=lambda one: str(one["inputs"]))


@pytest.fixture(autouse=True)
def read_again() -> Iterator[None]:
    """Digests are remembered for the life of a process, and these tests change folders."""
    content_digest.cache_clear()
    yield
    content_digest.cache_clear()


# ---------------------------------------------------------------------- records


def test_a_record_of_an_app_says_what_it_is(tmp_path: Path) -> None:
    app = an_app(tmp_path / "churn", expected__toml=BOTH_SHAPES, generation_metrics__json=json.dumps(GENERATION),
                 trajectory__jsonl='{"role": "user", "content": "x"}\n')  # fmt: skip
    record = record_of_app(app)
    assert record.inputs == {
        "app": "churn", "prompt": "count churn", "app_dir": str(tmp_path / "churn"),
        "content_hash": content_digest(app.root),
    }  # fmt: skip
    assert record.expected == {"build_success": "PASS", "deployability": "FAIL"}, "verdicts, in both shapes"
    assert record.tags == {
        "category": "sales", "complexity": "3", "prompts_version": "v2", "generator": "ours", "model": "a-model",
    }  # fmt: skip
    assert record.source == {
        "app_dir": str(app.path), "expected_from": "expected.toml", "trajectory": str(app.path / "trajectory.jsonl"),
        "generation_trace_id": GENERATION["trace_id"],
    }  # fmt: skip


def test_a_bare_app_expects_nothing(tmp_path: Path) -> None:
    record = record_of_app(an_app(tmp_path / "bare"))
    assert (record.expected, record.tags, record.prompt) == ({}, {}, "")
    assert record.source == {"app_dir": str(tmp_path / "bare"), "expected_from": "nobody"}


@pytest.mark.parametrize(
    "text", ["verdicts = [", 'verdicts = "PASS"', "[verdicts]\n", '[verdicts]\na = "UNMEASURED"', "\xff"]
)
def test_an_expected_toml_that_states_nothing_leaves_it_to_the_run(tmp_path: Path, text: str) -> None:
    run, _ = stored_run(tmp_path, ["failing"])
    app = an_app(tmp_path / "apps/failing", expected__toml=text)
    record = record_of_app(app, run.apps[0])
    assert (record.expected["type_safety"], record.expected["build_success"]) == ("FAIL", "PASS")
    assert record.source["expected_from"] == "a run"


def test_expected_toml_wins_over_a_run(tmp_path: Path) -> None:
    run, _ = stored_run(tmp_path, ["failing"])
    app = an_app(tmp_path / "apps/failing", expected__toml='[verdicts]\ntype_safety = "PASS"\n')
    for record in (record_of_app(app, run.apps[0]), record_of_result(run, run.apps[0], "digest")):
        assert record.expected == {"type_safety": "PASS"}, "and nothing of the run beside it"
        assert record.source["expected_from"] == "expected.toml"


def test_a_record_of_a_run_expects_what_was_found_and_only_that(tmp_path: Path) -> None:
    run, _ = stored_run(tmp_path)
    made = {app.app: record_of_result(run, app, f"digest-{app.app}") for app in run.apps}
    assert made["good"].expected["appeval_100"] == 100
    assert made["failing"].expected["type_safety"] == "FAIL"
    assert made["blocked"].expected["ui_renders"] == "BLOCKED"
    assert made["inapplicable"].expected["databricks_connectivity"] == "NOT_APPLICABLE"
    assert "deployability" not in made["unmeasured"].expected
    assert "tests_pass" not in made["broken"].expected
    assert "appeval_100" not in made["unmeasured"].expected
    states = {str(state) for record in made.values() for state in record.expected.values()}
    assert not {State.UNMEASURED.value, State.HARNESS_ERROR.value} & states
    assert made["good"].content_hash == "digest-good"
    assert (
        dict(made["good"].source) | {"run": run.id, "generation_trace_id": "tr-good", "expected_from": "a run"}
        == made["good"].source
    )
    assert made["good"].tags == {"category": "sales", "model": "a-model"}


def test_records_of_an_app_and_of_its_run_are_one(store: Store, tmp_path: Path) -> None:
    app = an_app(tmp_path / "apps/good", prompt__txt="make good")
    run, _ = stored_run(tmp_path, ["good"])
    merge(store, "apps", [record_of_app(app)])
    merged = merge(store, "apps", [record_of_result(run, run.apps[0], content_digest(app.root))])
    assert (merged.version.number, merged.version.records) == (2, 1)
    (record,) = held(store)
    assert record["expectations"]["appeval_100"] == 100
    assert (record["source"]["expected_from"], record["source"]["run"]) == ("a run", run.id)


def test_hostile_names_and_prompts_are_records_like_others(store: Store, tmp_path: Path) -> None:
    run, _ = stored_run(tmp_path, ["good"])
    name = '<b>\'; DROP TABLE "x" `y` \x1b[31m\ud800' + "x" * 500
    app = replace(run.apps[0], app=name, prompt="=cmd()\x00\u202e" + "y" * 9000, generation={"category": ["x"], "model": "\x1b[1m" + "m" * 999})  # fmt: skip
    record = record_of_result(run, app, "digest")
    assert merge(store, "apps", [record]).changed
    assert not merge(store, "apps", [record]).changed
    (found,) = held(store)
    assert found["inputs"]["app"].startswith('<b>\'; DROP TABLE "x" `y`')
    assert (len(found["inputs"]["app"]), len(found["inputs"]["prompt"])) == (250, 4000)
    assert not {"\x1b", "\x00", "\u202e"} & set(json.dumps(found, ensure_ascii=False))
    assert (len(found["tags"].pop("model")), found["tags"]) == (200, {})


# ---------------------------------------------------------------------- merging


def test_the_same_again_makes_no_version(store: Store, tmp_path: Path) -> None:
    run, _ = stored_run(tmp_path)
    records = [record_of_result(run, app, "digest") for app in run.apps]
    first = merge(store, "apps", records)
    again = merge(store, "apps", list(reversed(records)))
    assert (first.changed, first.version.number, first.version.records) == (True, 1, 6)
    assert (again.changed, again.version) == (False, first.version)
    later = replace(run, id="2026-01-03T03-04-05-ffff")
    nightly = merge(store, "apps", [record_of_result(later, app, "digest") for app in later.apps])
    assert not nightly.changed, "another run that found the same"
    assert [version.digest for version in versions(store, "apps")] == [first.version.digest]
    assert merge(store, "apps", []).changed is False


def test_a_changed_app_replaces_its_record(store: Store, tmp_path: Path) -> None:
    app, other = an_app(tmp_path / "churn"), an_app(tmp_path / "sales")
    merge(store, "apps", [record_of_app(app), record_of_app(other)])
    before = held(store)
    write(app.path, {"index.js": "1"})
    content_digest.cache_clear()
    merged = merge(store, "apps", [record_of_app(app)])
    assert (merged.changed, merged.version.number, merged.version.records) == (True, 2, 2)
    after = held(store)
    assert after[0]["inputs"]["content_hash"] != before[0]["inputs"]["content_hash"]
    assert after[1] == before[1], "the other one stays"
    assert held(store, "apps@1") == before


def test_a_changed_prompt_is_the_same_app(store: Store) -> None:
    merge(store, "apps", [a_record(prompt="one"), a_record("sales")])
    merged = merge(store, "apps", [a_record(prompt="two")])
    assert merged.version.records == 2
    assert [r["inputs"]["prompt"] for r in held(store) if r["inputs"]["app"] == "churn"] == ["two"]


def test_what_an_app_states_ends_what_a_run_found(store: Store) -> None:
    run = {"expected_from": "a run", "run": "r1"}
    merge(store, "apps", [a_record(expected={"a": "PASS", "b": "PASS", "appeval_100": 90.0}, source=run)])
    merge(store, "apps", [a_record(expected={"a": "FAIL"}, source={"expected_from": "expected.toml"})])
    assert [r["expectations"] for r in held(store)] == [{"a": "FAIL"}]
    merge(store, "apps", [a_record(expected={"b": "FAIL"}, source={"expected_from": "expected.toml"})])
    assert [r["expectations"] for r in held(store)] == [{"b": "FAIL"}], "it states no more of `a`"


def test_what_a_run_could_not_measure_stays_expected(store: Store) -> None:
    run = {"expected_from": "a run", "run": "r1"}
    merge(store, "apps", [a_record(expected={"a": "PASS", "b": "PASS"}, source=run)])
    merge(store, "apps", [a_record(expected={"a": "FAIL"}, source=run)])
    assert [r["expectations"] for r in held(store)] == [{"a": "FAIL", "b": "PASS"}]
    merge(store, "apps", [a_record()])
    assert [r["expectations"] for r in held(store)] == [{"a": "FAIL", "b": "PASS"}], "who knows nothing changes nothing"
    assert held(store)[0]["source"] == run


def test_apps_of_one_name_in_two_folders_are_two(store: Store) -> None:
    merged = merge(store, "apps", [a_record(), a_record(app_dir="/other/churn", content_hash="h2")])
    assert merged.version.records == 2
    assert merge(store, "apps", [a_record(content_hash="h3")]).version.records == 2
    assert {r["inputs"]["app_dir"]: r["inputs"]["content_hash"] for r in held(store)} == {
        "/apps/churn": "h3", "/other/churn": "h2",
    }  # fmt: skip


def test_an_empty_dataset_is_one(store: Store) -> None:
    assert merge(store, "apps", []).version.records == 0
    assert held(store) == []
    assert names(store) == ["apps"]


# ---------------------------------------------------------------------- names


NAMES = [
    "it's", "its", "q'\"`", "q___", "100%", "1000", "back\\slash 数据 🙂", "x" * 200, "x" * 199 + "y", "Apps", "apps",
]  # fmt: skip


def test_no_two_names_are_mixed_up(store: Store) -> None:
    made = {name: merge(store, name, [a_record(f"app-{place}")]) for place, name in enumerate(NAMES)}
    assert {merged.version.number for merged in made.values()} == {1}
    assert names(store) == sorted(NAMES)
    for place, name in enumerate(NAMES):
        assert [record["inputs"]["app"] for record in records_of(store, name)] == [f"app-{place}"]
        assert [version.digest for version in versions(store, name)] == [made[name].version.digest]
        assert len(records_of(store, f"{name}@1")) == 1


@pytest.mark.parametrize("name", ["apps@2", "@", ""])
def test_a_name_that_looks_like_a_version_is_refused(store: Store, name: str) -> None:
    with pytest.raises(TrackingError, match="is no name of a dataset"):
        merge(store, name, [a_record()])
    assert names(store) == []


def test_trials_leave_what_counts_alone(place: Destination) -> None:
    with open_store(place) as store:
        merge(store, "apps", [a_record("real")])
    with open_store(replace(place, staging=True)) as store:
        assert names(store) == []
        merge(store, "apps", [a_record("trial")])
        assert [r["inputs"]["app"] for r in held(store)] == ["trial"]
    with open_store(place) as store:
        assert [r["inputs"]["app"] for r in held(store)] == ["real"]


def test_a_dataset_that_was_deleted_is_not_listed_and_keeps_its_versions(store: Store) -> None:
    from mlflow.genai.datasets import delete_dataset, search_datasets

    merge(store, "apps", [a_record()])
    merge(store, "others", [a_record()])
    (found,) = search_datasets([store.experiment_id], "name = 'apps'")
    delete_dataset(dataset_id=found.dataset_id)
    assert names(store) == ["others"]
    with pytest.raises(TrackingError, match="there is no dataset 'apps'; there are: others"):
        records_of(store, "apps")
    assert len(records_of(store, "apps@1")) == 1
    assert merge(store, "apps", [a_record(), a_record("sales")]).version.number == 2


# ---------------------------------------------------------------------- versions


def test_versions_are_found_by_number_and_digest(store: Store) -> None:
    made = [merge(store, "apps", [a_record(content_hash=f"h{n}")]).version for n in range(1, 4)]
    assert versions(store, "apps") == tuple(made)
    assert [version.number for version in made] == [1, 2, 3]
    for version in made:
        wanted = [{"app": "churn", "prompt": "p", "app_dir": "/apps/churn", "content_hash": f"h{version.number}"}]
        for name in (f"{version.number}", f"v{version.number}", version.digest, version.digest[:9]):
            assert [record["inputs"] for record in records_of(store, f"apps@{name}")] == wanted, name
    assert held(store, "apps@") == held(store, "apps@3")
    there = ", ".join(f"{version.number} ({version.digest})" for version in made)
    for unknown in ("4", "v0", "zzz"):
        with pytest.raises(TrackingError) as refused:
            records_of(store, f"apps@{unknown}")
        assert str(refused.value) == f"dataset 'apps' has no version '{unknown}'; there are: {there}"


def test_a_number_is_not_the_beginning_of_a_digest(store: Store) -> None:
    """Most digests begin with a digit that may be a version's number."""
    found = [merge(store, "apps", [a_record(content_hash=f"h{number}")]).version for number in range(1, 4)]
    for version in found:
        digit = version.digest[0]
        known = [f"h{other.number}" for other in found if str(other.number) == digit]
        if known:
            assert [one["inputs"]["content_hash"] for one in records_of(store, f"apps@{digit}")] == known
        else:
            with pytest.raises(TrackingError, match="has no version"):
                records_of(store, f"apps@{digit}")


def test_a_dataset_that_is_not_there_is_named_with_those_that_are(store: Store) -> None:
    with pytest.raises(TrackingError, match="there is no dataset 'apps'; there are: none"):
        records_of(store, "apps")
    merge(store, "one", [a_record()])
    with pytest.raises(TrackingError, match="there is no dataset 'apps'; there are: one"):
        records_of(store, "apps")
    with pytest.raises(TrackingError, match="dataset 'apps' has no version '1'; there are: none"):
        records_of(store, "apps@1")


def test_mlflow_shows_the_version(store: Store) -> None:
    from mlflow.genai.datasets import search_datasets

    first = merge(store, "apps", [a_record()]).version
    second = merge(store, "apps", [a_record(content_hash="h2")]).version
    (dataset,) = search_datasets([store.experiment_id], "name = 'apps'")
    told = dataset.tags
    assert told is not None
    assert (told["version"], told["version.1"], told["version.2"]) == ("2", f"{first.digest} 1", f"{second.digest} 1")
    assert told["made_by"] == "appeval"


# ---------------------------------------------------------------------- others' datasets


def test_a_dataset_of_somebody_else(store: Store) -> None:
    from mlflow.genai.datasets import create_dataset

    foreign = create_dataset(name="foreign", experiment_id=[store.experiment_id])
    foreign.merge_records([
        {"inputs": {"question": "what?", "app": {"deep": [1]}}, "expectations": {"facts": [1, 2]}},
        {"inputs": {"app": 5, "app_dir": None}, "outputs": {"answer": 1}, "tags": {"n": "1"}},
    ])  # fmt: skip
    assert names(store) == [], "it is not ours"
    found = records_of(store, "foreign")
    assert len(found) == 2
    assert {one["inputs"].get("question") for one in found} == {"what?", None}
    assert list(differences(found, found)) == []
    merged = merge(store, "foreign", [a_record()])
    assert (merged.version.records, names(store)) == (3, ["foreign"]), "and may become so, with what it holds"
    assert not merge(store, "foreign", [a_record()]).changed


# ---------------------------------------------------------------------- comparing


def plain_record(app: str, **more: Mapping[str, Any]) -> dict[str, Any]:
    record = a_record(app).to_json()
    return {**record, **{part: {**record[part], **fields} for part, fields in more.items()}}


def test_differences_are_named() -> None:
    before = [plain_record("b"), plain_record("gone"), plain_record("same")]
    after = [
        plain_record("b", inputs={"content_hash": "h2"}, expectations={"types": "PASS"}, tags={"model": "m"}),
        plain_record("new"), plain_record("same", source={"run": "another"}),
    ]  # fmt: skip
    found = [(one.app, one.kind, one.what) for one in differences(before, after)]
    assert found == [
        ("b", "changed", ("expectations.types", "inputs.content_hash", "tags.model")), ("gone", "gone", ()),
        ("new", "new", ()),
    ]  # fmt: skip
    assert [(one.app, one.kind) for one in differences(after, before)] == [
        ("b", "changed"),
        ("gone", "new"),
        ("new", "gone"),
    ]
    assert list(differences([], [])) == []


def test_apps_in_two_folders_are_compared_each() -> None:
    one, two = plain_record("churn"), plain_record("churn", inputs={"app_dir": "/other"})
    assert [(d.app, d.kind) for d in differences([one], [one, two])] == [("churn", "new")]
    assert list(differences([one, two], [two, one])) == []


def test_versions_of_one_dataset_are_compared(store: Store, tmp_path: Path) -> None:
    run: Run = stored_run(tmp_path)[0]
    merge(store, "apps", [record_of_result(run, app, "digest") for app in run.apps[:3]])
    changed = record_of_result(run, run.apps[0], "other")
    merge(store, "apps", [changed, record_of_result(run, run.apps[3], "digest")])
    found = [
        (one.app, one.kind, one.what) for one in differences(records_of(store, "apps@1"), records_of(store, "apps"))
    ]
    assert found == [("good", "changed", ("inputs.content_hash",)), ("unmeasured", "new", ())]


def test_another_night_that_found_the_same_makes_no_version(store: Store, tmp_path: Path) -> None:
    for night in ("2026-01-02T03-04-05-aaaa", "2026-01-03T03-04-05-bbbb"):
        run, _ = stored_run(tmp_path, ["good"], run_id=night)
        merged = merge(store, "apps", [record_of_result(run, run.apps[0], "digest")])
    assert (merged.version.number, merged.changed) == (1, False)
    (record,) = records_of(store, "apps")
    assert record["source"]["run"] == "2026-01-02T03-04-05-aaaa", "MLflow keeps where a record came from first"
