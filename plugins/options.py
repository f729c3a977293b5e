"""From options and `[tool.appeval]` to settings. Every bad value is a UsageError that states the fix."""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.errors import BadInput
from fixtures.registry import load_extension
from fixtures.sandbox import PREFERRED, SANDBOXES
from fixtures.sandbox.processes import owner_of
from fixtures.settings import TOOLCHAIN_IMAGE, UI_JUDGES, VISION_MODEL, Settings, pyproject_table
from fixtures.stages import STAGES
from fixtures.warehouse import NAMES as WAREHOUSES
from fixtures.warehouse.live.settings import LiveSettings
from fixtures.workspace import work_dir_of
from plugins.metric import PASS_AT
from plugins.profiles import DEFAULT_PROFILE, profile_named
from plugins.results import read_session
from plugins.sinks import SINKS, add_option

SIZES = (
    "cpu_slots",
    "max_output",
    "max_file",
    "max_memory",
    "max_processes",
    "max_disk",
    "min_free_disk",
    "build_cache",
    "vision_max_tokens",
)
KNOWN_KEYS = frozenset(
    {"limits", "extensions", "template_manifests", "profile", "pass_at", "cache_dir", "warehouse_scale", "sandbox"}
    | {"toolchain_image", "max_cpus", "vision_model", "vision_timeout", *SIZES}
)


#: The key under which the controller tells its workers the folder of the run.
RUN_DIR = "appeval_run_dir"
#: The key under which a replacement of a dead worker learns what it need not measure: pairs of case id and metric.
GIVEN = "appeval_given"


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("appeval", "evaluation of apps (pytest evals/)")
    add = group.addoption
    add(
        "--apps",
        action="append",
        metavar="DIR|GLOB",
        help="a folder of apps, one app, or a glob; repeatable (default: apps/, else the bundled examples)",
    )
    add(
        "--sandbox",
        metavar="NAME",
        help="where the apps run: auto (default: docker where an engine answers), local, docker",
    )
    add("--keep-images", metavar="yes|no", help="leave the images of the apps after the run (default: no)")
    add("--warehouse", metavar="NAME", help="what the apps query: embedded (default), live, none")
    add("--ui-judge", metavar="NAME", help="who looks at pages beside the metric: none (default), vlm (a Claude model)")
    add("--run-dir", metavar="DIR", help="where the run is written (default: runs/<id>)")
    add(
        "--resume",
        metavar="RUN",
        help="go on with a run that was cut off: its id or folder; other options keep their values",
    )
    add("--epochs", metavar="K", help="repeat every metric K times; report the share and the spread")
    add("--gate", metavar="CONDITIONS", help='exit 0 exactly when they hold: "avg_appeval_100>=80,success_rate>=0.85"')
    try:
        sinks = list(SINKS)
    except BadInput as error:  # a package of somebody else
        raise pytest.UsageError(str(error)) from None
    for sink in sinks:
        for option in sink.options:
            add_option(add, option)
    add(
        "--use-judges",
        metavar="SHARE",
        help="the share of apps, chosen by name, that MLflow's scorers judge: 10%% (default: none)",
    )
    add("--limit", action="append", metavar="STAGE=SECONDS", help="time limit of a stage; repeatable")


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked of this evaluation. `resumed` is true when `settings.run_dir` holds an earlier part of it.
    `judges` is the share of apps, 0–1, whose verdicts are taken through MLflow's scorers."""

    settings: Settings
    places: tuple[str, ...]
    epochs: int
    profile: str
    pass_at: float
    gate: str | None
    resumed: bool
    started: float
    judges: float = 0.0

    @property
    def run_id(self) -> str:
        return self.settings.run_dir.name

    def comparable(self) -> dict[str, Any]:
        """The settings that decide verdicts: a resumed run must have the same."""
        return {
            "apps": list(self.places),
            "sandbox": self.settings.sandbox,
            "warehouse": self.settings.warehouse,
            "epochs": self.epochs,
            "profile": self.profile,
            "pass_at": self.pass_at,
            "limits": dict(self.settings.limits),
            **(
                {"ui_judge": "vlm", "vision_model": self.settings.vision_model}
                if self.settings.ui_judge == "vlm"
                else {}
            ),
            **({"use_judges": f"{self.judges * 100:g}%"} if self.judges else {}),
            **({"toolchain_image": self.settings.toolchain_image} if SANDBOXES[self.settings.sandbox].images else {}),
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """What was given, by pytest or another command: `option` gives the value of `--name` or None, places are relative
    to `folder`. `workerinput` is what the controller tells its workers."""

    option: Callable[[str], Any]
    folder: Path
    workerinput: Mapping[str, Any] | None = None


def request_of(config: pytest.Config, project: Path) -> Request:
    """Read and check everything; raises pytest.UsageError."""
    asked = Asked(config.getoption, config.invocation_params.dir, getattr(config, "workerinput", None))
    try:
        request = _request_of(asked, project)
    except BadInput as error:
        raise pytest.UsageError(str(error)) from None
    config.option.sandbox = request.settings.sandbox  # workers are told the choice: it is made once
    return request


def request_for(given: Mapping[str, Any], project: Path) -> Request:
    """The same for commands that are not pytest; `given` by option. Raises BadInput."""
    return _request_of(Asked(given.get, Path.cwd()), project)


def _request_of(asked: Asked, project: Path) -> Request:
    table = known_table(project)
    if not isinstance(table.get("extensions", []), list):
        raise BadInput(f"[tool.appeval] extensions = {table['extensions']!r}: give a list of files or modules")
    extensions = tuple(str(e) for e in table.get("extensions", ()))
    for extension in extensions:
        load_extension(project, extension)
    run_dir, resumed = _run_dir(asked, project)
    before: dict[str, Any] = _settings_before(run_dir) if resumed else {}
    limits = asked.option("--limit")
    sandbox = _sandbox(str(asked.option("--sandbox") or before.get("sandbox") or table.get("sandbox", "auto")))
    settings = Settings(
        project=project,
        run_dir=run_dir,
        work_dir=work_dir_of(run_dir, Path(tempfile.gettempdir())),
        cache_dir=project / table.get("cache_dir", ".cache"),
        sandbox=sandbox,
        warehouse=_warehouse(str(asked.option("--warehouse") or before.get("warehouse", "embedded"))),
        limits=before["limits"] if before and not limits else _limits(table.get("limits", {}), limits or ()),
        warehouse_scale=_number(table, "warehouse_scale", 0.01),
        extensions=extensions,
        keep_images=_yes("--keep-images", asked.option("--keep-images")),
        toolchain_image=str(table.get("toolchain_image", TOOLCHAIN_IMAGE)),
        max_cpus=_number(table, "max_cpus", 2.0),
        template_manifests=tuple(table.get("template_manifests", ())),
        ui_judge=_ui_judge(str(asked.option("--ui-judge") or before.get("ui_judge", "none"))),
        vision_model=str(table.get("vision_model", VISION_MODEL)),
        vision_timeout=_number(table, "vision_timeout", 30.0),
    )
    sizes = {key: int(_number(table, key, 1)) for key in SIZES if key in table}
    settings = replace(settings, **sizes)  # type: ignore[arg-type]  # all of SIZES are whole numbers
    return Request(
        settings=settings, places=_places(asked, project, before.get("apps")),
        epochs=_epochs(str(asked.option("--epochs") or before.get("epochs", 1))),
        profile=_profile(str(table.get("profile", DEFAULT_PROFILE))), pass_at=_number(table, "pass_at", PASS_AT, 5),
        gate=asked.option("--gate"), resumed=resumed, started=time.time(),
        judges=_share(str(asked.option("--use-judges") or before.get("use_judges", "0%"))),
    )  # fmt: skip


def known_table(project: Path) -> Mapping[str, Any]:
    """`[tool.appeval]` of the project. Raises BadInput for a file that cannot be read and keys that nobody knows."""
    table = pyproject_table(project)
    if unknown := set(table) - KNOWN_KEYS:
        known = ", ".join(sorted(KNOWN_KEYS))
        raise BadInput(f"[tool.appeval] knows no {', '.join(sorted(unknown))}; it knows {known}")
    return table


def _number(table: Mapping[str, Any], key: str, default: float, most: float = 1e15) -> float:
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= most:
        bound = f", {most:g} at most" if most < 1e15 else ""
        raise BadInput(f"[tool.appeval] {key} = {value!r}: give a number above 0{bound}")
    return float(value)


def _profile(name: str) -> str:
    try:
        return profile_named(name).id
    except ValueError as error:
        raise BadInput(f"[tool.appeval] profile: {error}") from None


def _settings_before(run_dir: Path) -> dict[str, Any]:
    """What the first part of a resumed run was asked; options that are not given again keep their values."""
    try:
        settings: dict[str, Any] = read_session(run_dir)["settings"]
    except ValueError as error:
        raise BadInput(str(error)) from None
    return settings


def _places(asked: Asked, project: Path, before: Sequence[str] | None) -> tuple[str, ...]:
    given = asked.option("--apps")
    if not given and before:
        return tuple(before)
    if given:
        return tuple(str((asked.folder / place).absolute()) for place in given)
    return (str(project / "apps"),) if (project / "apps").is_dir() else (str(project / "fixtures/apps"),)


def _sandbox(name: str) -> str:
    if name == "auto":
        return next(kind for kind in PREFERRED if SANDBOXES[kind].why_not() is None)
    if name not in SANDBOXES:
        raise BadInput(f"--sandbox={name}: there is no such sandbox; there are: auto, {', '.join(SANDBOXES.names())}")
    why_not = SANDBOXES[name].why_not()
    if why_not is not None:
        raise BadInput(f"--sandbox={name}: {why_not}")
    return name


def _yes(option: str, value: str | None) -> bool:
    if value not in (None, "yes", "no"):
        raise BadInput(f"{option}={value}: yes or no")
    return value == "yes"


def _warehouse(name: str) -> str:
    if name not in WAREHOUSES:
        raise BadInput(f"--warehouse={name}: there is no such warehouse; there are: {', '.join(WAREHOUSES)}")
    if name == "live":
        LiveSettings.of(os.environ)  # raises BadInput for what is missing, before anything runs
    return name


def _ui_judge(name: str) -> str:
    if name not in UI_JUDGES:
        raise BadInput(f"--ui-judge={name}: there is no such judge; there are: {', '.join(UI_JUDGES)}")
    return name


def _share(text: str) -> float:
    try:
        share = float(text.removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not text.endswith("%") or not 0 <= share <= 1:
        raise BadInput(f"--use-judges={text}: give a share of the apps from 0% to 100%")
    return share


def _epochs(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 100:
        raise BadInput(f"--epochs={text}: give a whole number from 1 to 100")
    return int(text)


def _limits(table: object, given: Sequence[str]) -> Mapping[str, float]:
    if not isinstance(table, dict):
        raise BadInput(f"[tool.appeval] limits = {table!r}: give a table of seconds by stage, such as {{build = 300}}")
    stated = [(f"[tool.appeval] limits: {name} = {seconds!r}", name, seconds) for name, seconds in table.items()]
    stated += [(f"--limit={text}", *text.partition("=")[::2]) for text in given]
    limits: dict[str, float] = {}
    for what, name, seconds in stated:
        if name not in STAGES:
            raise BadInput(f"{what}: there is no stage {name!r} to limit; there are: {', '.join(STAGES.names())}")
        try:
            limits[name] = float(seconds)
        except (TypeError, ValueError):
            raise BadInput(f"{what}: give a number of seconds") from None
        if not 0 < limits[name] <= 86_400:
            raise BadInput(f"{what}: give a number of seconds above 0, a day at most")
    return limits


def _run_dir(asked: Asked, project: Path) -> tuple[Path, bool]:
    """The folder of the run, and whether it continues an earlier one. Decided by the controller, once."""
    if asked.workerinput is not None:
        return Path(asked.workerinput[RUN_DIR]), bool(asked.option("--resume"))
    resume, given = asked.option("--resume"), asked.option("--run-dir")
    if resume:
        if given:
            raise BadInput("--resume goes on in the folder of its run; leave --run-dir out")
        for candidate in (asked.folder / resume, project / "runs" / resume):
            if (candidate / "session.json").is_file():
                alive = [owner_of(p) for p in (candidate / "processes").glob("*.jsonl") if owner_of(p).alive()]
                if alive:
                    raise BadInput(f"--resume={resume}: this run is still going on (process {alive[0].pid})")
                return candidate.resolve(), True
        raise BadInput(f"--resume={resume}: no run of that name has begun (looked in runs/ and for a folder)")
    if given:
        folder = (asked.folder / given).absolute()
        if (folder / "session.json").exists():
            raise BadInput(
                f"--run-dir={given} already holds a run; use --resume={given} to go on with it, or another folder"
            )
        if folder.exists() and not folder.is_dir():
            raise BadInput(f"--run-dir={given} is a file")
        return folder, False
    stamp = time.strftime("%Y-%m-%dT%H-%M-%S", time.gmtime())
    return project / "runs" / f"{stamp}-{secrets.token_hex(2)}", False
