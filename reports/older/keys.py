"""What the older reports call things, in all generations of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Key:
    """Where a metric of ours stands in an older report.

    `names`: its keys, the newest first. `full`: its highest value, 1 or 5. `concern`: how the older evaluator began the
    line that it wrote among an app's issues when its check failed; "" for a check that was never left out.
    """

    names: tuple[str, ...]
    full: float = 1.0
    concern: str = ""


#: By the name of our metric.
KEYS: Mapping[str, Key] = MappingProxyType({
    "build_success": Key(("build_success",)),
    "runtime_success": Key(("runtime_success",)),
    "type_safety": Key(("type_safety", "type_safety_pass")),
    "tests_pass": Key(("tests_pass",)),
    "databricks_connectivity": Key(("databricks_connectivity",), concern="Databricks connectivity failed"),
    "data_returned": Key(
        ("data_returned", "databricks_data_returned", "data_validity_score"), concern="Data validity concerns"
    ),
    "ui_renders": Key(("ui_renders", "ui_functional_score"), concern="UI concerns"),
    "local_runability": Key(("local_runability_score", "runability_score"), 5.0),
    "deployability": Key(("deployability_score",), 5.0),
})  # fmt: skip

#: The list of apps; the one object of an app's values.
APPS, VALUES = ("apps", "results"), ("metrics", "objective_metrics")
#: From this many points of five on the older framework called a score passed.
PASS_AT = 3.0
#: Beside the metrics.
COMPOSITE, COVERAGE = "appeval_100", "test_coverage_pct"
#: An issue of an app that it did not evaluate at all, and of one whose evaluation broke on the way.
NOT_EVALUATED, BROKE = "Docker-only apps not yet supported", "Evaluation error"
#: An issue of an app whose packages could not be installed: types and tests were not looked at.
NOT_INSTALLED = "Dependencies installation failed"
