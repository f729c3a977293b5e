"""The Node driver, every version that generated apps bring, through the preload and real TLS."""

from __future__ import annotations

from fixtures.warehouse.process import Credentials, WarehouseServer
from tests.conformance.warehouse.conftest import NodeDriver


def test_one_row(driver: NodeDriver, credentials: Credentials) -> None:
    [answer] = driver.ask({"token": credentials.token}, [{"statement": "SELECT 1 AS one"}])
    assert answer["rows"] == [{"one": 1}]


def test_one_row_of_a_table_is_on_record(
    driver: NodeDriver, credentials: Credentials, server: WarehouseServer, app: str
) -> None:
    statement = "SELECT n_name FROM samples.tpch.nation WHERE n_nationkey = :key"
    options = {"namedParameters": {"key": 7}}
    [answer] = driver.ask({"token": credentials.token}, [{"statement": statement, "options": options}])
    assert answer["rows"] == [{"n_name": "GERMANY"}]
    record = server.record(app, "start")
    [seen] = record.statements
    assert (seen.text, seen.state, seen.rows, seen.reads) == (statement, "succeeded", 1, ("samples.tpch.nation",))
    assert (dict(seen.parameters), seen.protocol, seen.variant) == ({"key": "7"}, "thrift", "A")
    assert "nodejsdatabrickssqlconnector" in seen.user_agent.lower()
    assert {event.kind for event in record.events} >= {"connection", "session"}


def test_types(driver: NodeDriver, credentials: Credentials) -> None:
    columns = [
        "true AS b", "CAST(1 AS TINYINT) AS t", "CAST(2 AS SMALLINT) AS s", "3 AS i", "CAST(4 AS BIGINT) AS l",
        "CAST(1.5 AS FLOAT) AS f", "CAST(2.5 AS DOUBLE) AS d", "CAST(12.34 AS DECIMAL(10,2)) AS dc", "'x' AS st",
        "DATE'2024-02-29' AS dt", "TIMESTAMP'2024-02-29 12:34:56.789' AS ts", "CAST('ab' AS BINARY) AS bin",
        "array(1, 2) AS arr", "named_struct('a', 1, 'b', 'z') AS str", "map('k', 1) AS m", "NULL AS n",
        "CAST(NULL AS STRING) AS ns",
    ]  # fmt: skip
    [answer] = driver.ask({"token": credentials.token}, [{"statement": "SELECT " + ", ".join(columns)}])
    assert "error" not in answer, answer
    [row] = answer["rows"]
    assert (row["b"], row["t"], row["s"], row["i"], row["f"], row["d"]) == (True, 1, 2, 3, 1.5, 2.5)
    assert row["l"] in (4, {"bigint": "4"})
    assert (row["dc"], row["st"], row["n"], row["ns"]) == (12.34, "x", None, None)
    assert row["dt"] == {"date": "2024-02-29T00:00:00.000Z"}
    assert row["ts"] == {"date": "2024-02-29T12:34:56.789Z"}
    assert row["bin"] == {"binary": "YWI="}
    assert (row["arr"], row["str"], row["m"]) == ([1, 2], {"a": 1, "b": "z"}, {"k": 1})


def test_errors_reach_the_app(driver: NodeDriver, credentials: Credentials) -> None:
    asks = [
        {"statement": "SELECT nope FROM samples.tpch.nation"}, {"statement": "SELECT * FROM samples.tpch.nothing"},
        {"statement": "SELEC 1"}, {"statement": "SELECT 1 / 0"}, {"statement": "SELECT 1; SELECT 2"},
    ]  # fmt: skip
    answers = driver.ask({"token": credentials.token}, asks)
    classes = ["UNRESOLVED_COLUMN", "TABLE_OR_VIEW_NOT_FOUND", "PARSE_SYNTAX_ERROR", "DIVIDE_BY_ZERO", "PARSE_SYNTAX"]
    assert all(name in answer["error"] for name, answer in zip(classes, answers, strict=True)), answers


def test_empty_and_without_a_result(driver: NodeDriver, credentials: Credentials) -> None:
    asks = [
        {"statement": "SELECT * FROM samples.tpch.nation WHERE false"}, {"statement": "USE CATALOG samples"},
        {"statement": "SELECT count(*) AS n FROM tpch.region"},
        {"statement": "CREATE TABLE main.default.made (a INT, b STRING)"},
        {"statement": "INSERT INTO main.default.made VALUES (1, 'x'), (2, NULL)"},
        {"statement": "SELECT * FROM main.default.made ORDER BY a"},
    ]  # fmt: skip
    answers = driver.ask({"token": credentials.token}, asks)
    assert [answer.get("error") for answer in answers] == [None] * 6
    assert answers[0]["rows"] == []
    assert answers[0]["columns"] == ["n_nationkey", "n_name", "n_regionkey", "n_comment"]
    assert answers[2]["rows"][0]["n"] in (5, {"bigint": "5"})
    assert answers[5]["rows"] == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]


def test_many_rows(driver: NodeDriver, credentials: Credentials) -> None:
    statement = "SELECT id, CAST(id AS STRING) AS t, id * 1.5D AS d FROM range(100000)"
    [answer] = driver.ask({"token": credentials.token}, [{"statement": statement, "countOnly": True}])
    assert answer.get("count") == 100_000, answer


def test_statements_at_once_over_one_session(driver: NodeDriver, credentials: Credentials) -> None:
    text = "SELECT :i AS i, count(*) AS n FROM samples.tpch.orders"
    asks = [{"statement": text, "options": {"namedParameters": {"i": i}}} for i in range(20)]
    answers = driver.ask({"token": credentials.token}, asks, concurrently=True)
    assert [answer["rows"][0]["i"] for answer in answers] == list(range(20))


def test_cancel(driver: NodeDriver, credentials: Credentials, server: WarehouseServer, app: str) -> None:
    slow = "SELECT count(*) FROM range(3000000) a CROSS JOIN range(300000) b WHERE a.id % 7 = b.id % 11"
    [answer] = driver.ask({"token": credentials.token}, [{"statement": slow, "cancelAfter": 300}])
    assert "error" in answer
    assert [s.state for s in server.record(app, "start").statements] == ["canceled"]


def test_oauth_of_a_service_principal(
    driver: NodeDriver, credentials: Credentials, server: WarehouseServer, app: str
) -> None:
    how = {
        "authType": "databricks-oauth", "oauthClientId": credentials.client_id,
        "oauthClientSecret": credentials.client_secret,
    }  # fmt: skip
    [answer] = driver.ask(how, [{"statement": "SELECT count(*) AS n FROM samples.tpch.region"}])
    assert "error" not in answer, answer
    record = server.record(app, "start")
    assert [s.state for s in record.statements] == ["succeeded"]
    assert "oauth_token" in {event.kind for event in record.events}


def test_a_wrong_token_is_rejected(driver: NodeDriver, server: WarehouseServer, app: str) -> None:
    [answer] = driver.ask({"token": "dapi-wrong"}, [{"statement": "SELECT 1"}])
    assert "error" in answer
    assert "rejected" in {event.kind for event in server.record(app, "start").events}
