"""The house keeps its rules: imports point one way, generated files are up to date, example apps are what they claim."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.static.templates import default_manifests, make_manifest
from plugins.cli.docs import metrics_page

ROOT = Path(__file__).resolve().parents[2]
APPS = sorted(p for p in (ROOT / "fixtures/apps").iterdir() if p.is_dir())
TEMPLATE = ROOT / "edda_templates/trpc_react"
#: What each part may import of the others. `plugins/cli` and `plugins/metric.py` load `evals` by name only.
MAY_IMPORT = {
    "evals": {"fixtures", "plugins.metric", "plugins.verdict"},
    "plugins": {"fixtures", "reports"},
    "fixtures": set[str](),
    "reports": set[str](),
}


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_imports_point_one_way(part: str) -> None:
    allowed = {part, *MAY_IMPORT[part]}
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / part).rglob("*.py")
        if "node_modules" not in path.parts
        for name in imports_of(path)
        if name.partition(".")[0] in MAY_IMPORT
        if not any(name == a or name.startswith(f"{a}.") for a in allowed)
    ]
    assert wrong == []


def test_metrics_page_is_up_to_date() -> None:
    assert (ROOT / "docs/METRICS.md").read_text(encoding="utf-8") == metrics_page(), "run `make docs`"


def test_template_manifest_is_up_to_date() -> None:
    stored = {manifest.name: manifest for manifest in default_manifests()}
    assert stored["trpc_react"] == make_manifest("trpc_react", TEMPLATE), "run `make manifest`"


def test_no_renderer_spells_out_a_metric() -> None:
    names = [path.stem.removeprefix("test_") for path in (ROOT / "evals").glob("test_*.py")]
    assert len(names) == 9
    spelled = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / "reports").rglob("*.py")
        if path.parent.name != "older"  # what it reads has these names for keys, whatever metrics we have
        for name in names
        if name in path.read_text(encoding="utf-8")
    ]
    assert spelled == []


@pytest.mark.parametrize("part", ["server", "client"])
def test_example_apps_share_the_lockfile(part: str) -> None:
    wanted = (TEMPLATE / part / "package-lock.json").read_bytes()
    assert [app.name for app in APPS if (app / part / "package-lock.json").read_bytes() != wanted] == []


def test_lockfiles_name_no_registry() -> None:
    locks = [*ROOT.glob("fixtures/**/package-lock.json"), *ROOT.glob("edda_templates/**/package-lock.json")]
    locks = [path for path in locks if "node_modules" not in path.parts]
    assert len(locks) >= 15
    assert [str(path) for path in locks if '"resolved"' in path.read_text(encoding="utf-8")] == []
    assert "://" not in (ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_the_untouched_template_is_the_template() -> None:
    app = ROOT / "fixtures/apps/untouched-template"
    beside = {"expected.toml", "generation_metrics.json"}
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "."], cwd=TEMPLATE, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    names = sorted(name for name in tracked if name)
    assert names
    assert [n for n in names if (TEMPLATE / n).read_bytes() != (app / n).read_bytes()] == []
    mine = subprocess.run(["git", "ls-files", "-z", "."], cwd=app, capture_output=True, text=True, check=True).stdout
    assert {name for name in mine.split("\0") if name} - set(names) == beside


@pytest.mark.parametrize("module", ["plugins.plugin", "plugins.start", "plugins.cli", "fixtures.stages.engine"])
def test_nothing_heavy_is_imported_before_it_is_needed(module: str) -> None:
    heavy = ("mlflow", "anthropic", "playwright", "docker", "pandas", "PIL", "detect_secrets", "rich")
    program = f"import sys, {module}; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
