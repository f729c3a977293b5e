"""--ui-judge: whether a vision model looks at the pages, and what a run says of it."""

from __future__ import annotations

import pytest

from tests.pytester.project import Project


def test_nobody_looks_unless_asked(project: Project) -> None:
    project.app("sales")
    result = project.evaluate(code=0)
    assert "vision" not in result.out
    assert "ui_judge" not in result.run().settings


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["serial", "n2"])
def test_without_a_key_it_is_said_once_and_nothing_breaks(project: Project, workers: tuple[str, ...]) -> None:
    project.app("sales")
    project.app("churn")
    project.environment.pop("ANTHROPIC_API_KEY", None)
    result = project.evaluate("--ui-judge=vlm", *workers, code=0)
    assert result.out.count("no vision model looks at the pages: ANTHROPIC_API_KEY is not set") == 1


def test_the_model_is_part_of_the_world_of_a_run(project: Project) -> None:
    project.app("sales")
    project.append(
        "pyproject.toml", 'vision_model = "claude-sonnet-5-5"\nvision_timeout = 9\nvision_max_tokens = 900\n'
    )
    settings = project.evaluate("--ui-judge=vlm", code=0).run().settings
    assert (settings["ui_judge"], settings["vision_model"]) == ("vlm", "claude-sonnet-5-5")


def test_a_judge_that_does_not_exist_is_refused(project: Project) -> None:
    project.app("sales")
    assert (
        "--ui-judge=gpt: there is no such judge; there are: none, vlm" in project.evaluate("--ui-judge=gpt", code=4).out
    )
