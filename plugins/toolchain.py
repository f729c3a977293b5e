"""Versions of what a verdict depends on, recorded with every run."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fixtures.browser import find_chromium
from fixtures.sandbox import SANDBOXES


def _first_line(argv: Sequence[str], cwd: Path | None = None) -> str | None:
    path = shutil.which(argv[0])
    if path is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - tools of this machine, constant arguments
            [path, *argv[1:]], capture_output=True, text=True, timeout=20, check=False, cwd=cwd
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    return lines[0].strip() if done.returncode == 0 and lines else None


def toolchain(sandbox: str = "local") -> dict[str, str]:
    """Name to version; what is missing is left out. Commands of apps have the versions of their sandbox: with one that
    builds images, those of the engine and its images."""
    chromium = find_chromium()
    found = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "node": _first_line(["node", "--version"]),
        "npm": _first_line(["npm", "--version"]),
        "engine": SANDBOXES[sandbox].about() or None,
        "chromium": _first_line([chromium.path, "--version"]) if chromium else None,
    }
    for package in ("appeval", "pytest", "playwright"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {name: value for name, value in found.items() if value}


def git_commit(project: Path) -> str | None:
    """The commit of the harness itself; None outside a checkout."""
    return _first_line(["git", "rev-parse", "--short=12", "HEAD"], cwd=project)
