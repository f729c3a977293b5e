"""What a statement is expected to give: kept in `statements/*.json`, compared with what the engine gives."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from fixtures.warehouse.engine.errors import SqlError
from fixtures.warehouse.engine.session import Session
from tests.conformance.warehouse.spark_runner import encode

FOLDER = Path(__file__).with_name("statements")


@dataclass(frozen=True, slots=True)
class Expected:
    """`types` and `rows` as Databricks gives them, or the condition of the error.

    `source` says where they are from: `spark`, or `docs` where open-source Spark has not what Databricks has.
    """

    sql: str
    types: tuple[str, ...] = ()
    rows: tuple[Any, ...] = ()
    error: str = ""
    source: str = "spark"


def expectations() -> list[Expected]:
    found = []
    for file in sorted(FOLDER.glob("*.json")):
        for item in json.loads(file.read_text(encoding="utf-8")):
            found.append(
                Expected(
                    item["sql"], tuple(item.get("types", ())), tuple(item.get("rows", ())), item.get("error", ""),
                    item.get("source", "spark"),
                )
            )  # fmt: skip
    return found


def outcome(session: Session, sql: str) -> Expected:
    """What the engine gives."""
    try:
        result = session.prepare(sql).run()
    except SqlError as why:
        return Expected(sql, error=why.error_class)
    columns = [[_value(value, column.type) for value in column.to_pylist()] for column in result.table.columns]
    return Expected(sql, result.types, tuple([list(row) for row in zip(*columns, strict=True)]))


def difference(wanted: Expected, given: Expected) -> str:
    """What differs, in words; empty when nothing does. Rows without an ORDER BY may come in any order."""
    if wanted.error or given.error:
        same = wanted.error.split(".")[0] == given.error.split(".")[0]
        return "" if same else f"error {given.error or 'none'}, not {wanted.error or 'none'}"
    types = [tuple(kind.replace("timestamp_ntz", "timestamp") for kind in side.types) for side in (wanted, given)]
    if types[0] != types[1]:
        return f"types {types[1]}, not {types[0]}"
    ours, theirs = list(given.rows), list(wanted.rows)
    if "ORDER BY" not in wanted.sql.upper():
        ours, theirs = sorted(ours, key=json.dumps), sorted(theirs, key=json.dumps)
    return "" if _same(theirs, ours) else f"rows {ours}, not {theirs}"


def _value(value: Any, kind: pa.DataType) -> Any:
    if value is not None and pa.types.is_struct(kind):
        return {field.name: _value(value[field.name], field.type) for field in kind}
    if value is not None and pa.types.is_list(kind):
        return [_value(part, kind.value_type) for part in value]
    return encode(value)


def _same(wanted: Any, given: Any) -> bool:
    """Equal; doubles to twelve digits, for sums may be added up in another order."""
    if isinstance(wanted, list) and isinstance(given, list):
        return len(wanted) == len(given) and all(map(_same, wanted, given))
    if isinstance(wanted, dict) and isinstance(given, dict):
        return wanted.keys() == given.keys() and all(_same(wanted[key], given[key]) for key in wanted)
    if isinstance(wanted, float) and isinstance(given, float):
        return math.isclose(wanted, given, rel_tol=1e-12)
    return type(wanted) is type(given) and bool(wanted == given)
