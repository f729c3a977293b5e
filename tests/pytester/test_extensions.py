"""A kind of app that somebody else adds: by an installed package's entry point, or by a file named in pyproject.toml."""

from __future__ import annotations

import pytest

from tests.pytester.project import REPOSITORY, Project, Result

#: A kind for apps that the inner project's own kind does not know; the fake stages ask it nothing.
STACK = '''\
"""The kind `cobol`: a folder with main.cbl."""

from pathlib import Path

from fixtures.stacks import stack
from fixtures.stacks.unknown import UnknownStack


@stack
class CobolStack(UnknownStack):
    name = "cobol"
    precedence = 5

    def recognise(self, root: Path) -> str | None:
        return "a main.cbl" if (root / "main.cbl").is_file() else None
'''


def cobol_app(project: Project) -> None:
    folder = project.app("ledger")
    (folder / "fake.json").rename(folder / "main.cbl")
    (folder / "fake.json").write_text("{}", "utf-8")


def install(project: Project, module: str, text: str, group: str = "appeval.stacks") -> None:
    """What `pip install` leaves of a tiny package: its module and its metadata, in a folder of sys.path."""
    site = project.root / "site"
    project.write(f"site/{module}.py", text)
    project.write(
        "site/appeval_cobol-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: appeval-cobol\nVersion: 1.0\n"
    )
    project.write("site/appeval_cobol-1.0.dist-info/entry_points.txt", f"[{group}]\ncobol = {module}\n")
    before = project.environment.get("PYTHONPATH", "")
    project.environment["PYTHONPATH"] = f"{site}:{before}" if before else str(site)


def chosen(result: Result) -> dict[str, tuple[str, str]]:
    return {app.app: (app.stack, app.why) for app in result.run().apps}


def test_an_installed_package_adds_a_kind(project: Project, workers: tuple[str, ...]) -> None:
    project.append("fake.py", "\nFakeStack.precedence = 60\n")
    install(project, "appeval_cobol", STACK)
    cobol_app(project)
    project.app("other")
    result = project.evaluate(*workers, code=0)
    assert chosen(result) == {"ledger": ("cobol", "a main.cbl"), "other": ("fake", "a fake.json")}


def test_a_file_adds_a_kind(project: Project, workers: tuple[str, ...]) -> None:
    project.append("fake.py", "\nFakeStack.precedence = 60\n")
    project.write("kinds/cobol.py", STACK)
    project.pyproject('["fake.py"]', '["fake.py", "kinds/cobol.py"]')
    cobol_app(project)
    result = project.evaluate(*workers, code=0)
    assert chosen(result) == {"ledger": ("cobol", "a main.cbl")}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import nobody_has_this\n", ["No module named 'nobody_has_this'"]),
        ("def oops(:\n", ["SyntaxError"]),
        ("raise RuntimeError('half done')\n", ["RuntimeError: half done"]),
        (STACK.replace('"cobol"', '"node"'), ["stack 'node' is declared twice"]),
    ],
    ids=["import", "syntax", "raises", "twice"],
)
def test_a_broken_package_is_named(project: Project, text: str, words: list[str]) -> None:
    """A usage error that names the package, its entry point and what to do; nothing is measured."""
    install(project, "appeval_cobol", text)
    project.app("one")
    result = project.evaluate(code=4)
    named = ["the entry point cobol = 'appeval_cobol' (appeval.stacks) of appeval-cobol cannot be used", *words,
             "repair or uninstall that package"]  # fmt: skip
    assert [word for word in named if word not in result.out] == []
    assert "Traceback" not in result.out
    assert "INTERNALERROR" not in result.out
    assert project.log("tests.log") == []


@pytest.mark.parametrize("group", ["appeval.sinks", "appeval.sandboxes", "appeval.stages"])
def test_a_broken_package_of_another_sort_is_named(project: Project, group: str) -> None:
    install(project, "appeval_cobol", "import nobody_has_this\n", group)
    project.app("one")
    result = project.evaluate(code=4)
    assert f"({group}) of appeval-cobol cannot be used: ModuleNotFoundError" in result.out
    assert "Traceback" not in result.out


def test_the_command_line_names_a_broken_package(project: Project) -> None:
    install(project, "appeval_cobol", "import nobody_has_this\n")
    project.app("one")
    done = project.appeval("doctor", "--apps=apps")
    assert done.returncode == 4
    assert "of appeval-cobol cannot be used" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_the_command_line_says_of_what_kind_an_app_is(project: Project) -> None:
    install(project, "appeval_cobol", STACK)
    cobol_app(project)
    (project.root / "apps/ledger/fake.json").unlink()
    (project.root / "apps/hollow").mkdir()
    done = project.appeval("doctor", "--apps=apps")
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "ledger: cobol (a main.cbl)"
    assert lines[-1] == "hollow: left out: the folder is empty"


def test_the_groups_have_the_names_that_the_documentation_gives() -> None:
    from fixtures.sandbox import SANDBOXES
    from fixtures.stacks import STACKS
    from fixtures.stages import STAGES
    from plugins.sinks import SINKS

    groups = [registry.group for registry in (STACKS, STAGES, SANDBOXES, SINKS)]
    documented = (REPOSITORY / "docs/STACKS.md").read_text(encoding="utf-8")
    assert [group for group in groups if f"`{group}`" not in documented] == []
    assert groups == ["appeval.stacks", "appeval.stages", "appeval.sandboxes", "appeval.sinks"]
