"""--apps: which folders are evaluated, what is said of the others, and names that want to break things."""

from __future__ import annotations

import os

import pytest

from fixtures.app import slug_of
from tests.pytester.project import METRICS, Project, Result


def cases(result: Result) -> list[str]:
    """The ids of the apps in the output of --collect-only -q."""
    found = {line.partition("[")[2][:-1] for line in result.out.splitlines() if line.startswith("evals/")}
    return sorted(found)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        pytest.param([], ["churn", "sales"], id="apps-by-default"),
        pytest.param(["--apps=more"], ["finance", "sales-2"], id="folder"),
        pytest.param(["--apps=more/"], ["finance", "sales-2"], id="folder-with-a-slash"),
        pytest.param(["--apps=apps/churn"], ["churn"], id="one-app"),
        pytest.param(["--apps=*/sales*"], ["sales", "sales-2"], id="glob"),
        pytest.param(["--apps=apps/churn", "--apps=more/*"], ["churn", "finance", "sales-2"], id="repeated"),
    ],
)
def test_what_is_found(project: Project, arguments: list[str], found: list[str]) -> None:
    for folder, name in (("apps", "churn"), ("apps", "sales"), ("more", "finance"), ("more", "sales-2")):
        project.app(name, folder)
    assert cases(project.pytest("evals/", "--collect-only", "-q", *arguments, code=0)) == found


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--apps=apps", "--apps=more"], ["two apps are named 'sales'", "more/sales", "rename one of them"]),
        (["--apps=pyproject.toml"], ["pyproject.toml is a file", "a folder of apps, or a glob"]),
        (["--apps=nowhere"], ["nowhere does not exist", "a folder of apps, or a glob"]),
        (["--apps=empty"], ["no app found at", "empty", "An app is a folder with"]),
        (["--apps=apps/*nothing*"], ["matches no folder"]),
    ],
)
def test_what_is_refused(project: Project, arguments: list[str], words: list[str]) -> None:
    project.app("sales")
    project.app("sales", "more")
    (project.root / "empty").mkdir()
    result = project.evaluate(*arguments, code=4)
    assert [word for word in words if word not in result.out] == []
    assert "Traceback" not in result.out
    assert not result.run_dir.exists()


def test_what_is_no_app_is_named(project: Project) -> None:
    project.app("sales")
    project.write("apps/notes/todo.txt", "later")
    (project.root / "apps/hollow").mkdir()
    (project.root / "apps/dangling").symlink_to("nowhere")
    result = project.evaluate(code=0)
    assert result.has_line("appeval: notes is no app: no package.json, no source code, and no record of a generation")
    assert result.has_line("appeval: hollow is no app: the folder is empty")
    assert result.has_line("appeval: dangling is no app: a broken link")
    assert [name for name, _ in result.run().skipped] == ["dangling", "hollow", "notes"]
    assert "skipped 3 folders" in result.out


def test_a_nested_scaffold_is_found_and_noted(project: Project) -> None:
    project.app("inside", "apps/sales")
    project.write("apps/sales/prompt.txt", "a page of sales")
    result = project.evaluate(code=0)
    (app,) = result.run().apps
    assert (app.app, app.prompt) == ("sales", "a page of sales")
    assert result.has_line("appeval: sales: the app is nested in inside/")


NAMES = [
    "plain",
    "two words",
    "quotes '\"`",
    "<script>alert(1)<",
    "br[ack]ets::x",
    "semi;$(touch pwned)|&",
    "ünï☃ 売上",
    "new\nline",
    "\x1b[31mred",
    "-k",
    "=cmd()",
    os.fsdecode(b"not\xffutf8"),
    "x" * 200,
]


def test_names_that_want_to_break_things(project: Project, workers: tuple[str, ...]) -> None:
    for name in NAMES:
        project.app(name, fake_types={"facts": {"value": 0}} if name == "new\nline" else {})
    result = project.evaluate(*workers, code=1)
    run = result.run()
    shown = sorted(name.encode("utf-8", "replace").decode() for name in NAMES)
    assert sorted(app.app for app in run.apps) == shown
    assert run.summary.states == {"PASS": len(NAMES) * len(METRICS) - 1, "FAIL": 1}
    assert len(result.junit()) == len(NAMES) * len(METRICS)
    assert "\x1b" not in result.out
    assert "<script>" not in (result.run_dir / "summary.md").read_text("utf-8")
    assert not any(line.startswith("line") for line in result.out.splitlines()), "a name stays on its line"
    assert not list(project.root.rglob("pwned"))
    for app in run.apps:
        assert (result.run_dir / "apps" / app.slug / "evidence.json").is_file()
    assert project.left_behind() == []


def test_a_strange_name_can_be_selected(project: Project) -> None:
    project.app("br[ack]ets::x")
    project.app("two words")
    slug = slug_of("two words")
    result = project.evaluate("-k", f"{slug} and type_safety", code=0)
    assert [line[:2] for line in project.log("tests.log")] == [["type_safety", slug]]
    assert "1 passed, 17 deselected" in result.out.splitlines()[-1]
