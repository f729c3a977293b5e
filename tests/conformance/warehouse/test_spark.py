"""The expected values themselves, asked of Spark. Slow: it installs pyspark (450 MB) once, and starts a JVM."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from fixtures.warehouse.samples.cache import SampleFiles, sample_files
from tests.conformance.warehouse.answers import Expected, difference, expectations
from tests.conformance.warehouse.test_statements import TODAY
from tests.world import CACHE

pytestmark = pytest.mark.slow
RUNNER = Path(__file__).with_name("spark_runner.py")
TABLE = re.compile(r"\bsamples\.(\w+)\.(\w+)")


@pytest.fixture(scope="module")
def python() -> Path:
    """A Python that has pyspark."""
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, and there is none on the PATH")
    folder = CACHE / "pyspark"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "pyspark.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not any(folder.glob("lib/python*/site-packages/pyspark/__init__.py")):
            uv = shutil.which("uv") or str(CACHE / "uv" / "bin" / "uv")
            if not Path(uv).exists():
                pytest.skip("uv is not installed")
            subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True, timeout=300)
            install = [uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), "pyspark>=4,<5"]
            subprocess.run(install, check=True, timeout=1200)
    return folder / "bin" / "python"


def written(files: SampleFiles, names: set[tuple[str, str]], folder: Path) -> dict[str, str]:
    """The tables as Parquet files, by the name of the view that Spark sees."""
    made = {}
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{files.a}' AS s (READ_ONLY)")
        for schema, table in sorted(names):
            file = folder / f"{schema}_{table}.parquet"
            connection.sql(f'FROM s."samples.{schema}".{table}').write_parquet(str(file))
            made[f"{schema}_{table}"] = str(file)
    return made


def test_spark_gives_what_is_expected(python: Path, tmp_path: Path) -> None:
    wanted = [item for item in expectations() if item.source == "spark"]
    names = {found for item in wanted for found in TABLE.findall(item.sql)}
    tables = written(sample_files(CACHE, scale=0.01, today=TODAY), names, tmp_path)
    order = {"tables": tables, "statements": [item.sql for item in wanted]}
    done = subprocess.run(
        [str(python), str(RUNNER)], input=json.dumps(order), capture_output=True, text=True, timeout=900, check=False,
        env={**os.environ, "TZ": "UTC"}, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    given = [
        Expected(item.sql, tuple(answer.get("types", ())), tuple(answer.get("rows", ())), answer.get("error", ""))
        for item, answer in zip(wanted, json.loads(done.stdout), strict=True)
    ]
    differing = {
        item.sql: what for item, answer in zip(wanted, given, strict=True) if (what := difference(item, answer))
    }
    assert differing == {}
