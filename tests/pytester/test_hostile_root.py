"""An app that brings pytest files of its own: none of them is read, let alone run, in our process."""

from __future__ import annotations

import pytest

from tests.pytester.project import Project, Result


def hostile(project: Project, folder: str = "apps") -> str:
    """An app that leaves the file `pwned` wherever its code is run. Returns its path as an argument."""
    app = project.app("hostile", folder)
    attack = f"open({str(project.root / 'pwned')!r}, 'w').close()\n"
    for name in ("conftest.py", "sitecustomize.py", "usercustomize.py", "tests/conftest.py", "evals/conftest.py"):
        path = app / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(attack, "utf-8")
    (app / "tests/test_theirs.py").write_text(f"{attack}\ndef test_theirs():\n    assert False\n", "utf-8")
    (app / "pytest.ini").write_text("[pytest]\naddopts = --exitfirst\n", "utf-8")
    (app / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '-p sitecustomize'\n", "utf-8")
    return str(app)


@pytest.mark.parametrize(
    "arguments",
    [["--apps=apps/hostile"], ["--apps=apps"], ["--apps=apps/*"], ["--apps=apps", "-n", "2"]],
    ids=["app", "folder", "glob", "n2"],
)
def test_its_pytest_files_are_not_read(project: Project, arguments: list[str]) -> None:
    hostile(project)
    result = project.evaluate(*arguments, code=0)
    assert not (project.root / "pwned").exists()
    assert set(result.states("hostile").values()) == {"PASS"}
    assert f"rootdir: {project.root}" in result.out


@pytest.mark.parametrize(
    ("folder", "apps_first"),
    [("apps", True), ("apps", False), ("../elsewhere", False)],
    ids=["first", "last", "outside"],
)
def test_an_option_without_its_equals_sign(project: Project, folder: str, apps_first: bool) -> None:
    """Either it works as meant, or it is refused with the fix; the app's files are not run in any case."""
    result = without_equals_sign(project, folder, apps_first)
    assert not (project.root / "pwned").exists(), result.out
    if result.code == 0:
        assert set(result.states("hostile").values()) == {"PASS"}
    else:
        assert result.code == 4, result.out
        assert "write options with `=` (--apps=DIR)" in result.out


def test_an_app_that_pytest_took_for_the_root_is_not_evaluated(project: Project) -> None:
    """Here pytest reads the app's pytest.ini instead of ours, and its conftest.py, before any code of ours is loaded.
    All that we can do is to notice."""
    result = without_equals_sign(project, "../elsewhere", apps_first=True)
    assert result.code == 4
    assert "elsewhere/hostile for its root instead of" in result.out
    assert "write options with `=` (--apps=DIR)" in result.out
    assert not result.run_dir.exists()


def without_equals_sign(project: Project, folder: str, apps_first: bool) -> Result:
    path = hostile(project, folder)
    project.write("conftest.py", 'pytest_plugins = ["plugins.plugin"]\n')
    arguments = ["--apps", path, "evals/"] if apps_first else ["evals/", "--apps", path]
    return project.pytest(*arguments, "--run-dir=run")


def test_an_evals_folder_of_an_app_is_no_evaluation(project: Project) -> None:
    """Who asks pytest to run an app's folder gets that, and no evaluation of ours in it."""
    project.app("hostile")
    project.write("apps/hostile/evals/test_theirs.py", "def test_theirs():\n    assert True\n")
    result = project.pytest("apps/hostile/evals", code=0)
    assert "appeval" not in result.out
    assert not (project.root / "runs").exists()
