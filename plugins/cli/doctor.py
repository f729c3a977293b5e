"""`appeval doctor`: what this machine can measure, what is missing and how to get it, and what killed runs left."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fixtures.browser import find_chromium
from fixtures.errors import BadInput
from fixtures.postgres.find import find_postgres
from fixtures.sandbox import SANDBOXES, Housekeeping
from fixtures.sandbox.environment import node_headers
from fixtures.sandbox.local.confinement import report
from fixtures.sandbox.processes import owner_of, reap_dead_owners
from fixtures.settings import TOOLCHAIN_IMAGE, Settings, pyproject_table
from fixtures.toolchain.inventory import inventory
from fixtures.workspace import work_dir_of
from plugins.kinds import kinds
from plugins.options import known_table
from plugins.project import project_folder
from plugins.toolchain import toolchain

HELP = "what this machine can measure; --clean removes what killed runs left"
_MINIMUM_NODE, _MINIMUM_FREE = 20, 2_000_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that an evaluation needs. `cost` is what is lost without it, `fix` how to get it. `weak`: everything
    can be measured, with less between an app and this machine."""

    name: str
    ok: bool
    found: str
    cost: str = ""
    fix: str = ""
    weak: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clean", action="store_true", help="end processes and remove copies of runs that were killed")
    parser.add_argument(
        "--apps", action="append", metavar="DIR|GLOB", help="say instead of what kind each app is, and why; repeatable"
    )


def run(arguments: argparse.Namespace) -> int:
    """0 when everything can be measured that this version can measure, 1 when something is missing."""
    if arguments.apps:
        found = kinds(arguments.apps, Path.cwd())
        print("\n".join(found.lines))
        return 0 if found.all_known else 1
    if arguments.clean:
        _clean()
    checks = list(_checks())
    for check in checks:
        state = "missing" if not check.ok else "weak   " if check.weak else "ok     "
        print(f"{state}  {check.name}: {check.found}")
        if not check.ok:
            print(f"           without it: {check.cost}\n           to get it: {check.fix}")
    print("the warehouse is embedded and needs nothing")
    return 0 if all(check.ok for check in checks) else 1


def _checks() -> Iterator[Check]:
    versions = toolchain()
    everything, install_node = "nothing can be measured", "install Node.js 20 or newer, with npm"
    node = versions.get("node", "")
    recent = node.lstrip("v").split(".")[0].isdigit() and int(node.lstrip("v").split(".")[0]) >= _MINIMUM_NODE
    yield Check("Python", sys.version_info >= (3, 11), versions["python"], everything, "install Python 3.11 or newer")
    yield Check("Node.js", recent, node or "not found", everything, install_node)
    yield Check("npm", "npm" in versions, versions.get("npm", "not found"), everything, install_node)
    yield Check("git", shutil.which("git") is not None, shutil.which("git") or "not found",
                "runs do not say which version of the harness made them", "install git")  # fmt: skip
    chromium = find_chromium()
    yield Check("Chromium", chromium is not None, f"{chromium.path} ({chromium.origin})" if chromium else "not found",
                "ui_renders is UNMEASURED", "appeval browser")  # fmt: skip
    key = "is set" if os.environ.get("ANTHROPIC_API_KEY") else "is not set, and --ui-judge=vlm looks at nothing"
    yield Check("vision model", True, f"ANTHROPIC_API_KEY {key}")
    headers = node_headers()
    yield Check("Node headers", True, str(headers) if headers else "not found; native modules may need a download")
    free = shutil.disk_usage(tempfile.gettempdir()).free
    yield Check(f"disk ({tempfile.gettempdir()})", free > _MINIMUM_FREE, f"{free / 1e9:.0f} GB free",
                "installs may fail for want of space", "free some, or set TMPDIR to a larger disk")  # fmt: skip
    yield from _programs_of_apps()
    yield from _sandboxes()
    yield from _confinement()
    yield _configuration()
    left = [*(path.name for path in _abandoned()), *(name for keeper in _housekeeping() for name in keeper.abandoned())]
    yield Check("left by killed runs", not left, ", ".join(left) or "nothing",
                "disk space, and perhaps running servers", "appeval doctor --clean")  # fmt: skip


def _configuration() -> Check:
    try:
        settings = known_table(project_folder())
    except BadInput as error:
        return Check("settings", False, str(error), "no evaluation starts", "mend [tool.appeval] in pyproject.toml")
    return Check("settings", True, ", ".join(sorted(settings)) or "all as they come")


def _settings() -> Settings:
    """As an evaluation here would have them, as far as they say what is installed where."""
    project = project_folder()
    try:
        table = pyproject_table(project)
    except BadInput:
        table = {}
    folders = (project, project / "runs", Path(tempfile.gettempdir()), project / table.get("cache_dir", ".cache"))
    return Settings(*folders, toolchain_image=str(table.get("toolchain_image", TOOLCHAIN_IMAGE)))


def _programs_of_apps() -> Iterator[Check]:
    """What apps may ask for. What is missing here is installed or fetched for the first one that does."""
    settings = _settings()
    for entry in inventory(settings):
        yield Check(entry.name, True, entry.found)
    postgres = find_postgres(settings.cache_dir)
    found = f"{postgres.version} {postgres.origin} ({postgres.folder})" if postgres else "not found"
    yield Check("Postgres", postgres is not None, found, "apps that keep their data in Postgres are not measured",
                "install postgresql (on Debian: apt-get install postgresql)")  # fmt: skip


def _sandboxes() -> Iterator[Check]:
    docker = SANDBOXES["docker"]
    why_not = docker.why_not()
    yield Check("container engine", why_not is None, why_not or f"{docker.about()} (--sandbox=auto uses it)",
                "apps with a Dockerfile are not measured in their deployed form (deployability: in part)",
                "install Docker Engine with buildx and start it; --sandbox=auto then uses it")  # fmt: skip
    if why_not is None:
        from fixtures.sandbox.docker.toolchain import is_there

        image = _settings().toolchain_image
        here = "is here" if is_there(image) else "is pulled when it is needed"
        yield Check("toolchain image", True, f"{image} {here}")


def _confinement() -> Iterator[Check]:
    """What the local sandbox holds here. Nothing of it is needed to measure; without it a hostile app sees more."""
    for held in report():
        how_to = f" ({held.fix})" if held.fix and not held.holds else ""
        yield Check(f"local sandbox, {held.name}", True, f"{held.detail}{how_to}", weak=not held.holds)


def _housekeeping() -> Iterator[Housekeeping]:
    return (kind.housekeeping for kind in SANDBOXES if kind.housekeeping is not None)


def _runs() -> Iterator[Path]:
    folder = project_folder() / "runs"
    if folder.is_dir():
        yield from (p for p in sorted(folder.iterdir()) if p.is_dir() and not p.is_symlink())


def _abandoned() -> Iterator[Path]:
    """Runs without a living owner that left processes written down, or copies of apps."""
    for folder in _runs():
        ledgers = list((folder / "processes").glob("*.jsonl"))
        if any(owner_of(path).alive() for path in ledgers):
            continue
        if ledgers or work_dir_of(folder, Path(tempfile.gettempdir())).exists():
            yield folder


def _clean() -> None:
    for folder in list(_abandoned()):
        ended = reap_dead_owners(folder / "processes")
        copies = work_dir_of(folder, Path(tempfile.gettempdir()))
        shutil.rmtree(copies, ignore_errors=True)
        print(f"cleaned {folder.name}: {ended} processes ended, copies removed")
    for keeper in _housekeeping():
        for name in keeper.clean():
            print(f"removed {name}")
