"""The beginning of an evaluation in one process: recognize it, check what was asked, register its hooks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from fixtures.errors import BadInput
from fixtures.settings import pyproject_table
from plugins.controller import EvaluationController, gate_of
from plugins.metric import Metric, load_metrics
from plugins.options import GIVEN, Request, request_of
from plugins.process import EvaluationProcess
from plugins.profiles import profile_named
from plugins.results import changed_settings
from plugins.session import SESSION, open_session


def evaluation_root(config: pytest.Config) -> Path | None:
    """The project whose `evals/` this session was asked to run, or None. Raises pytest.UsageError when pytest
    took another folder for its root: then it may have read the configuration of an app under test."""
    for argument in config.args:
        path = Path(argument.partition("::")[0])
        path = (config.invocation_params.dir / path).resolve()
        for folder in (path, *path.parents):
            if folder.name == "evals" and _is_project(folder.parent):
                if config.rootpath != folder.parent:
                    raise pytest.UsageError(
                        f"pytest took {config.rootpath} for its root instead of {folder.parent}; "
                        "write options with `=` (--apps=DIR) and run it from the project folder"
                    )
                return folder.parent
    return None


def _is_project(folder: Path) -> bool:
    try:
        pyproject_table(folder)
    except BadInput:
        return False
    return True


def start_evaluation(config: pytest.Config, project: Path) -> None:
    """Register the hooks of this process. What is wrong with the request is a pytest.UsageError."""
    is_worker = hasattr(config, "workerinput")
    distributed = not is_worker and config.getoption("dist", "no") != "no"
    if distributed and config.getoption("dist") != "load":
        dist = config.getoption("dist")
        raise pytest.UsageError(f"--dist={dist}: all of an app is measured by one worker; leave it out")
    request = request_of(config, project)
    try:
        metrics = load_metrics()
    except BadInput as error:
        raise pytest.UsageError(str(error)) from None
    _refuse_other_metrics(metrics, request.profile)
    if request.resumed and not is_worker:
        _refuse_changes(request, {m.name: m.info.version for m in metrics})
    given = frozenset((case, metric) for case, metric in getattr(config, "workerinput", {}).get(GIVEN, ()))
    session = open_session(request, keeper=not is_worker, given=given)
    config.stash[SESSION] = session
    if not distributed:
        config.pluginmanager.register(EvaluationProcess(session), "appeval-process")
    if is_worker:
        return
    controller = EvaluationController(session, config, gate_of(request.gate, (metric.name for metric in metrics)))
    config.pluginmanager.register(controller, "appeval-controller")
    _set_defaults(config, request)


def _refuse_other_metrics(metrics: Iterable[Metric], profile: str) -> None:
    """What is scored must be what the profile takes; said now, and not when the score is computed."""
    scored, takes = {m.name for m in metrics if m.info.role == "scored"}, set(profile_named(profile).full)
    for names, trouble in (
        (scored - takes, 'have the role "scored", and the profile does not take them (a new metric\'s role is "info")'),
        (takes - scored, 'are taken by the profile, and no metric of that name has the role "scored"'),
    ):
        if names:
            listed = f"profile {profile} takes {', '.join(sorted(takes))}"
            raise pytest.UsageError(f"{listed}: {', '.join(sorted(names))} {trouble}")


def _refuse_changes(request: Request, versions: dict[str, int]) -> None:
    try:
        changed = changed_settings(request.settings.run_dir, request.comparable(), versions)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    if changed:
        listed = "\n  ".join(changed)
        raise pytest.UsageError(f"--resume: the settings have changed, start a new run or take them back:\n  {listed}")


def _set_defaults(config: pytest.Config, request: Request) -> None:
    """What an evaluation wants unless the user said otherwise."""
    if config.option.xmlpath is None and not config.getoption("collectonly"):
        config.option.xmlpath = str(request.settings.run_dir / "junit.xml")
    if config.getoption("tbstyle") == "auto":
        config.option.tbstyle = "no"  # a failing metric has one line, printed with the table
    if config.getoption("reportchars") == "fE":
        config.option.reportchars = ""
