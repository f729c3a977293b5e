"""Runs statements in Spark. It runs under a Python of its own, which has pyspark and not this project.

Standard input: {"tables": {view: Parquet file}, "statements": [text, …]}. Standard output: a JSON list, one answer per
statement: {"types": […], "rows": […]} or {"error": condition}.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
from decimal import Decimal
from typing import Any


def encode(value: Any) -> Any:
    """A value as JSON keeps it: decimals, dates and moments as their text, maps as lists of pairs."""
    if isinstance(value, (list, tuple)):
        fields = getattr(value, "__fields__", None)
        return dict(zip(fields, map(encode, value), strict=True)) if fields else [encode(part) for part in value]
    if isinstance(value, dict):
        return [[encode(key), encode(part)] for key, part in value.items()]
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None).isoformat(sep=" ")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return repr(value)
    return value if value is None or isinstance(value, (str, int, float)) else str(value)


def answer(session: Any, statement: str) -> dict[str, Any]:
    text = re.sub(r"\bsamples\.(\w+)\.(\w+)", r"\1_\2", statement)
    from py4j.protocol import Py4JError  # type: ignore[import-not-found,unused-ignore]
    from pyspark.errors import PySparkException  # type: ignore[import-not-found,unused-ignore]

    try:
        frame = session.sql(text)
        rows = [[encode(value) for value in tuple(row)] for row in frame.collect()]
    except PySparkException as why:
        return {"error": str(why.getCondition())}
    except Py4JError as why:
        return {"error": type(why).__name__}
    return {"types": [field.dataType.simpleString() for field in frame.schema.fields], "rows": rows}


def main() -> None:
    from pyspark.sql import SparkSession  # type: ignore[import-not-found,unused-ignore]

    order = json.load(sys.stdin)
    builder = SparkSession.builder.master("local[1]")
    for key, value in {
        "spark.ui.enabled": "false", "spark.sql.ansi.enabled": "true", "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1", "spark.driver.memory": "1g", "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }.items():  # fmt: skip
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    for view, file in order["tables"].items():
        session.read.parquet(file).createOrReplaceTempView(view)
    json.dump([answer(session, statement) for statement in order["statements"]], sys.stdout)


if __name__ == "__main__":
    main()
