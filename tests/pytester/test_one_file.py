"""A metric, a stage, a stack: each is one file and no edit elsewhere. A bad one is refused with a clear message."""

from __future__ import annotations

import csv

import pytest

from tests.pytester.project import METRICS, STAGES, Project, metric_file

STAGE = """
from fixtures.stages import stage


@stage("weigh", needs=["fake_build"], limit=5, cpu=False)
def run(context):
    context.facts["value"] = sum(p.stat().st_size for p in context.root.iterdir()) > 10_000
    context.facts["line"] = "it is light"
"""
STACK = """
from appeval_fake import FakeStack
from fixtures.stacks import stack


@stack
class Mine(FakeStack):
    name = "mine"

    def recognise(self, root):
        return "a mine.json" if (root / "mine.json").is_file() else None
"""


def test_a_tenth_metric_is_one_file(project: Project) -> None:
    project.app("one")
    project.write("evals/test_tenth.py", metric_file("tenth", 10, "fake_types", role="info"))
    result = project.evaluate(code=0)
    run = result.run()
    assert [(m.name, m.number, m.role) for m in run.metrics][-1] == ("tenth", 10, "info")
    assert result.states("one")["tenth"] == "PASS"
    assert run.apps[0].score.value == 100
    assert "10 tenth" in result.out
    assert "tenth" in (result.run_dir / "summary.md").read_text("utf-8")
    with (result.run_dir / "metrics.csv").open(newline="", encoding="utf-8") as stream:
        (row,) = csv.DictReader(stream)
    assert row["tenth_state"] == "PASS"
    assert not run.partial


def test_what_is_not_scored_costs_no_score(project: Project) -> None:
    project.app("one")
    project.write("tenth_stage.py", STAGE)
    project.pyproject('["fake.py"]', '["fake.py", "tenth_stage.py"]')
    project.write("evals/test_weight.py", metric_file("weight", 10, "weigh", role="info"))
    result = project.evaluate(code=1)
    assert result.verdicts("one")["weight"].evidence == "it is light"
    assert result.states("one")["weight"] == "FAIL"
    assert result.run().apps[0].score.value == 100
    assert set(result.stages("one")) == STAGES | {"weigh"}

    alone = project.evaluate("-k", "weight", run="alone", code=1)
    assert set(alone.stages("one")) == {"fake_build", "weigh"}, "what it needs, and nothing else"


def test_a_stack_is_one_file(project: Project) -> None:
    project.write("apps/gold/mine.json", "{}")
    project.write("apps/gold/fake.json", "{}")
    project.app("tin")
    stack = STACK.replace(
        "from appeval_fake import FakeStack", "from fixtures.stacks import STACKS\n\nFakeStack = type(STACKS['fake'])"
    )
    project.write("stack.py", stack.replace('name = "mine"', 'name = "mine"\n    precedence = 0'))
    project.pyproject('["fake.py"]', '["fake.py", "stack.py"]')
    result = project.evaluate("-k", "type_safety", code=0)
    assert {app.app: app.stack for app in result.run().apps} == {"gold": "mine", "tin": "fake"}
    assert result.has_line("appeval: 2 apps (1 fake, 1 mine)")


TENTH = metric_file("tenth", 10, "fake_types", role="info")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(
            TENTH.replace('"fake_types"', '"moon"'),
            ["metric 'tenth' needs the stages ['moon']", "fake_types"],
            id="stage",
        ),
        pytest.param(
            TENTH.replace("number=10", "number=3"), ["'tenth' and 'type_safety' both have number 3"], id="number"
        ),
        pytest.param(
            TENTH.replace('"tenth", number', '"type_safety", number'),
            ["'type_safety' is declared in evals.test_"],
            id="name",
        ),
        pytest.param(
            TENTH.replace('"tenth", number', '"the tenth", number'), ["'the tenth' is not an identifier"], id="no-name"
        ),
        pytest.param(TENTH.partition('"""\n')[2], ["metric 'tenth': its file needs a docstring"], id="docstring"),
        pytest.param(TENTH + "\n\ndef oops(:\n", ["evals/test_tenth.py", "SyntaxError"], id="syntax"),
        pytest.param("import nobody_has_this\n", ["evals/test_tenth.py", "nobody_has_this"], id="import"),
        pytest.param("def test_tenth(app, verdict):\n    pass\n", ["test_tenth.py declares 0 metrics"], id="no-metric"),
    ],
)
def test_a_bad_declaration_is_refused(project: Project, text: str, words: list[str]) -> None:
    refuse(project, text, words)


def test_a_bad_declaration_is_refused_with_workers(project: Project) -> None:
    refuse(project, TENTH.replace('"fake_types"', '"moon"'), ["metric 'tenth' needs the stages ['moon']"], "-n", "2")


def refuse(project: Project, text: str, words: list[str], *arguments: str) -> None:
    """An evaluation with this tenth metric ends before anything is measured, and says these words."""
    project.app("one")
    project.write("evals/test_tenth.py", text)
    result = project.evaluate(*arguments, code=4)
    assert [word for word in words if word not in result.out] == []
    assert "Traceback" not in result.out
    assert "INTERNALERROR" not in result.out
    assert not (result.run_dir / "run.json").exists()
    assert project.log("tests.log") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(STAGE.replace('"weigh"', '"fake_build"'), ["stage 'fake_build' is declared twice"], id="twice"),
        pytest.param(STAGE.replace('needs=["fake_build"]', 'needs=["moon"]'), ["no stage named 'moon'"], id="needs"),
        pytest.param(None, ["extensions names 'tenth_stage.py', and there is no such file"], id="no-file"),
        pytest.param("import nobody_has_this\n", ["tenth_stage.py", "nobody_has_this"], id="import"),
    ],
)
def test_a_bad_extension_is_refused(project: Project, text: str | None, words: list[str]) -> None:
    project.app("one")
    if text is not None:
        project.write("tenth_stage.py", text)
        project.write(
            "evals/test_weight.py",
            metric_file("weight", 10, "weigh" if '"weigh"' in text else "fake_build", role="info"),
        )
    project.pyproject('["fake.py"]', '["fake.py", "tenth_stage.py"]')
    result = project.evaluate(code=4)
    assert [word for word in words if word not in result.out] == []
    assert "Traceback" not in result.out
    assert project.log("tests.log") == []


def test_the_nine_are_what_the_profile_takes(project: Project) -> None:
    """A scored metric that the profile does not name is refused at once, and not when the score is computed."""
    project.app("one")
    project.write("evals/test_tenth.py", metric_file("tenth", 10, "fake_types", role="scored"))
    result = project.evaluate(code=4)
    assert "tenth" in result.out
    assert "Traceback" not in result.out
    assert next(iter(METRICS)) in result.out
