"""The options of a sink as one would type them again."""

from __future__ import annotations

from plugins.sinks import SINKS, given, in_order


def test_what_was_given_is_told_again() -> None:
    mlflow = SINKS["mlflow"]
    options = {"mlflow": "http://ann:secret@host:5000", "experiment": "two words", "staging": "yes", "dataset": None}
    said = given(mlflow, options)
    assert said == " --mlflow=http://CREDENTIALS@host:5000 --experiment='two words' --staging"
    assert given(mlflow, {"mlflow": "default"}) == " --mlflow"
    assert given(SINKS["summary"], options) == ""


def test_what_carries_files_away_comes_after_what_writes_them() -> None:
    assert [sink.name for sink in in_order()] == ["summary", "mlflow"]
