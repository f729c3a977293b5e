"""Stages for whoever judges outside pytest: once for each app, however many ask, and nothing is left of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fixtures.app import content_digest
from fixtures.errors import Cancelled, Unmeasured
from fixtures.settings import Settings
from fixtures.workspace import work_dir_of
from plugins.stage_pool import StagePool
from tests.world import write


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    run_dir = tmp_path / "runs/r"
    return Settings(tmp_path, run_dir, work_dir_of(run_dir, tmp_path / "tmp"), tmp_path / "cache", lock_dir=tmp_path)


def an_app(folder: Path) -> Path:
    write(folder, {"package.json": '{"scripts": {"start": "node a.js"}}', "a.js": "console.log(1)\n"})
    return folder


def test_an_apps_stages_run_once_for_all_who_ask(settings: Settings, tmp_path: Path) -> None:
    folder = an_app(tmp_path / "apps/one")
    with StagePool(settings, ["scan"]) as pool:
        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(lambda _: pool.evidence(pool.app(folder)), range(16)))
        assert found[0]["scan"].ok
        assert {id(evidence) for evidence in found} == {id(found[0])}, "one set of stages"
        assert not any(settings.work_dir.rglob("a.js")), "the copy is gone as soon as they have ended"
    assert (settings.run_dir / "apps/one/evidence.json").is_file()
    assert not settings.work_dir.exists()


def test_all_can_be_run_at_once(settings: Settings, tmp_path: Path) -> None:
    folders = [an_app(tmp_path / f"apps/app-{number}") for number in range(5)]
    with StagePool(settings, ["scan"]) as pool:
        pool.warm([pool.app(folder) for folder in folders])
        assert [pool.evidence(pool.app(folder)).app for folder in folders] == [folder.name for folder in folders]


def test_what_cannot_be_judged_says_why(settings: Settings, tmp_path: Path) -> None:
    folder, twin = an_app(tmp_path / "apps/one"), an_app(tmp_path / "others/one")
    with StagePool(settings, ["scan"]) as pool:
        digest = content_digest(pool.app(folder).root)
        assert pool.app(folder, digest).path == folder
        for place, expected, code in (
            (tmp_path / "apps/none", None, "unmeasured.app_gone"),
            (folder, "another digest", "unmeasured.app_changed"),
            (twin, None, "unmeasured.app_name"),
        ):
            with pytest.raises(Unmeasured) as raised:
                pool.app(place, expected)
            assert raised.value.code == code


def test_a_closed_pool_starts_nothing(settings: Settings, tmp_path: Path) -> None:
    folder = an_app(tmp_path / "apps/one")
    pool = StagePool(settings, ["scan"])
    app = pool.app(folder)
    pool.close()
    with pytest.raises(Cancelled):
        pool.evidence(app)
    assert not settings.run_dir.exists()
