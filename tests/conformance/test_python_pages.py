"""Real Streamlit, Dash and Gradio with a real warehouse in a real Chromium: what is healthy, what is seen, what follows.

One environment of each kind is installed for the whole module, and the script in it exchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from evals.test_data_returned import judge as judge_data
from evals.test_databricks_connectivity import judge as judge_connectivity
from evals.test_ui_renders import judge as judge_page
from fixtures.errors import Unmeasured
from fixtures.machine import Machine
from plugins.metric import Finding
from tests.world import World, shared_machine, write

pytestmark = pytest.mark.slow

ASK = """
from databricks import sql
from databricks.sdk.core import Config
import os

def ask(statement="SELECT o_orderpriority, CAST(sum(o_totalprice) AS BIGINT) FROM samples.tpch.orders GROUP BY 1 ORDER BY 1"):
    cfg = Config()
    with sql.connect(server_hostname=cfg.host, credentials_provider=lambda: cfg.authenticate,
                     http_path=f"/sql/1.0/warehouses/{os.environ['DATABRICKS_WAREHOUSE_ID']}") as connection:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return [list(row) for row in cursor.fetchall()]
"""
DESCRIPTOR = "command: COMMAND\nenv:\n  - {name: DATABRICKS_WAREHOUSE_ID, valueFrom: sql-warehouse}\n"
COMMANDS = {
    "streamlit": '["streamlit", "run", "app.py"]',
    "dash": '["python", "app.py"]',
    "gradio": '["python", "app.py"]',
}


@dataclass
class Kind:
    """A world in which apps of one kind are installed; `show` puts another script in."""

    world: World

    def show(self, script: str, ask: str = ASK) -> World:
        for root in (self.world.app.path, self.world.workspace.app):
            write(root, {"app.py": script, "ask.py": ask})
        self.stop()
        self.world.live.clear()
        self.world.results.clear()
        return self.world

    def stop(self) -> None:
        if serving := self.world.live.pop("serving", None):
            serving.server.stop()

    def look(self, script: str) -> Finding:
        """What the judge of the page says of a script."""
        world = self.show(script)
        assert world.stage("start").facts.get("health_route"), world.results["start"]
        world.stage("page")
        finding: Finding = judge_page(world.evidence())
        return finding

    def fly(self, script: str, ask: str = ASK) -> dict[str, Any]:
        """The stages up to the canary; its facts."""
        world = self.show(script, ask)
        for name in ("start", "page", "probe", "queries", "canary"):
            assert world.stage(name).problem is None, world.results[name]
        facts: dict[str, Any] = dict(world.results["canary"].facts)
        return facts


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with shared_machine(tmp_path_factory.mktemp("pages")) as made:
        yield made


def installed(machine: Machine, base: Path, kind: str) -> Iterator[Kind]:
    world = World(base, machine, name=f"a-{kind}", warehouse="embedded")
    world.use({
        "app.py": f"import {kind}\n", "ask.py": ASK, "app.yaml": DESCRIPTOR.replace("COMMAND", COMMANDS[kind]),
        "requirements.txt": f"{kind}\ndatabricks-sdk\ndatabricks-sql-connector\n",
    })  # fmt: skip
    assert world.app.stack.name == kind
    assert world.stage("install").problem is None, world.results["install"]
    kind_of_app = Kind(world)
    yield kind_of_app
    kind_of_app.stop()
    world.close()


@pytest.fixture(autouse=True)
def _nothing_runs_on(request: pytest.FixtureRequest) -> Iterator[None]:
    """A world that ends looks whether anything is left, of the others too."""
    yield
    for value in getattr(request.node, "funcargs", {}).values():
        if isinstance(value, Kind):
            value.stop()


@pytest.fixture(scope="module")
def streamlit(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kind]:
    yield from installed(machine, tmp_path_factory.mktemp("streamlit"), "streamlit")


@pytest.fixture(scope="module")
def dash(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kind]:
    yield from installed(machine, tmp_path_factory.mktemp("dash"), "dash")


@pytest.fixture(scope="module")
def gradio(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kind]:
    yield from installed(machine, tmp_path_factory.mktemp("gradio"), "gradio")


HEAD = "import streamlit as st\nfrom ask import ask\nst.title('Orders')\n"


@pytest.mark.hazard(18, 19)
@pytest.mark.parametrize(
    ("kind", "route"), [("streamlit", "/_stcore/health"), ("dash", "/_dash-dependencies"), ("gradio", "/config")]
)
def test_health_is_what_no_other_path_answers(kind: str, route: str, request: pytest.FixtureRequest) -> None:
    """Hazards 18 and 19: the port comes by the variable of each kind, and the page, which Streamlit and Dash give for any
    path, is not taken for health."""
    script = {"streamlit": HEAD, "dash": DASH.replace("CALLBACKS", ""), "gradio": GRADIO.replace("EVENTS", "")}[kind]
    shown: Kind = request.getfixturevalue(kind)
    start = shown.show(script).stage("start").facts
    shown.stop()
    assert (start["health_route"], start["port_ignored"]) == (route, False)


BROKEN_SCRIPTS = {
    "wrong column": HEAD + "import pandas as pd\nst.metric('Orders', 12)\npd.DataFrame({'a': [1]})['revenue']\n",
    "a package that is nowhere": HEAD + "import prophet_of_nowhere\n",
    "no Python": "import streamlit as st\nst.title('Orders'\n",
    "wrong SQL": HEAD + "st.dataframe(ask('SELECT no_such_column FROM samples.tpch.orders'))\n",  # noqa: S608 - a fixed text
    "after seconds": HEAD + "import time\nst.write('a moment')\ntime.sleep(6)\nraise RuntimeError('late')\n",
}


@pytest.mark.hazard(7, 19, 27)
@pytest.mark.parametrize("script", BROKEN_SCRIPTS.values(), ids=BROKEN_SCRIPTS)
def test_a_traceback_below_a_heading(streamlit: Kind, script: str) -> None:
    """Hazards 7, 19 and 27: Streamlit is healthy whatever its script does, so the page alone tells; also of a package
    that neither the app declares nor the platform has."""
    finding = streamlit.look(script)
    assert (finding.low, finding.reason) == (0, "ui.traceback")


SHOWN = {
    "a table drawn on a canvas": "import pandas as pd\nst.dataframe(pd.DataFrame(ask(), columns=['priority', 'worth']))\n",
    "a chart": "import pandas as pd\nst.bar_chart(pd.DataFrame(ask(), columns=['priority', 'worth']), x='priority', y='worth')\n",
    "text after seconds": "import time\nwith st.spinner('Working'):\n    time.sleep(5)\nst.write(ask())\n",
}


@pytest.mark.parametrize("script", SHOWN.values(), ids=SHOWN)
def test_what_streamlit_draws_follows_the_data(streamlit: Kind, script: str) -> None:
    facts = streamlit.fly(HEAD + script)
    assert not facts["restarted"]
    assert judge_data(streamlit.world.evidence()).low == 1
    assert judge_connectivity(streamlit.world.evidence()).low == 1


def test_streamlit_that_keeps_results_is_started_anew(streamlit: Kind) -> None:
    facts = streamlit.fly(HEAD + "kept = st.cache_data(ask)\nst.table(kept())\n")
    assert facts["restarted"]
    assert judge_data(streamlit.world.evidence()).low == 1


MADE_UP = HEAD + "st.table([['1-URGENT', 1200], ['2-HIGH', 1300]])\n"


def test_streamlit_that_makes_its_figures_up(streamlit: Kind) -> None:
    streamlit.fly(MADE_UP, ask="def ask() -> None: ...\n")
    finding = judge_data(streamlit.world.evidence())
    assert (finding.high, finding.reason) == (0, "data.mock")
    assert "1200, 1300" in finding.line
    assert judge_connectivity(streamlit.world.evidence()).high == 0


def test_streamlit_that_could_ask_and_was_not_made_to(streamlit: Kind) -> None:
    """Its question may wait for a button that nobody pressed."""
    streamlit.fly(MADE_UP)
    with pytest.raises(Unmeasured) as raised:
        judge_data(streamlit.world.evidence())
    assert raised.value.code == "unmeasured.not_exercised"


def test_figures_of_rows_that_are_the_same_under_both_data(streamlit: Kind) -> None:
    """Keys and labels stay as they are, so that an app which shows nothing else proves nothing."""
    regions = 'ask("SELECT r_regionkey, r_name FROM samples.tpch.region ORDER BY 1")'
    streamlit.fly(HEAD + f"st.table({regions})\n")
    with pytest.raises(Unmeasured) as raised:
        judge_data(streamlit.world.evidence())
    assert raised.value.code == "unmeasured.canary_blind"


@pytest.mark.hazard(21)
def test_streamlit_sees_the_platform_s_headers(streamlit: Kind) -> None:
    """Hazard 21: its session is a WebSocket, whose handshake must carry the platform's headers, too."""
    script = HEAD + "st.write('Hello ' + st.context.headers['x-forwarded-email'])\n"
    assert streamlit.look(script).low == 1
    assert "Hello appeval@example.com" in streamlit.world.results["page"].facts["text"]


DASH = """
import os, time
from dash import Dash, Input, Output, dash_table, dcc, html
from ask import ask
app = Dash(__name__)
app.layout = html.Div([html.H1("Orders"), dcc.Input("all", id="which"), dcc.Loading(html.Div(id="shown")), dcc.Graph(id="chart")])
CALLBACKS
if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ["DATABRICKS_APP_PORT"]), debug=DEBUG)
""".replace("DEBUG", "os.environ.get('DEBUG') == '1'")
TABLE = """
@app.callback(Output("shown", "children"), Input("which", "value"))
def table(which):
    time.sleep(4)
    return dash_table.DataTable([{"priority": p, "worth": w} for p, w in ask()])
"""
CHART = """
@app.callback(Output("chart", "figure"), Input("which", "value"))
def chart(which):
    rows = ask()
    return {"data": [{"type": "bar", "x": [p for p, _ in rows], "y": [w for _, w in rows]}]}
"""
FAILING = """
@app.callback(Output("shown", "children"), Input("which", "value"))
def table(which):
    return ask()[0]["worth"]
"""


@pytest.mark.parametrize("callback", [TABLE, CHART], ids=["a table after seconds", "a chart"])
def test_what_dash_draws_follows_the_data(dash: Kind, callback: str) -> None:
    dash.fly(DASH.replace("CALLBACKS", callback))
    assert judge_data(dash.world.evidence()).low == 1
    assert judge_connectivity(dash.world.evidence()).low == 1


def test_a_callback_that_fails_shows_nothing(dash: Kind) -> None:
    dash.fly(DASH.replace("CALLBACKS", FAILING))
    finding = judge_data(dash.world.evidence())
    assert (finding.high, finding.reason) == (0, "data.error")
    assert "/_dash-update-component answers 500" in finding.line
    assert judge_connectivity(dash.world.evidence()).low == 1


@pytest.mark.hazard(27)
def test_the_error_of_a_callback_in_dash_s_own_tools(dash: Kind) -> None:
    """Hazard 27: with `debug=True` the page shows what failed beside what it has drawn."""
    finding = dash.look(DASH.replace("os.environ.get('DEBUG') == '1'", "True").replace("CALLBACKS", FAILING))
    assert (finding.low, finding.reason) == (0, "ui.error_screen")


@pytest.mark.hazard(18)
def test_dash_as_its_own_examples_start_it(dash: Kind) -> None:
    """Hazard 18: without a host and a port, Dash takes the port that it is given by variable and listens for itself
    alone: it can be measured, and nothing documented makes it reachable when it is deployed."""
    run = DASH.replace("CALLBACKS", "").partition("    app.run")[0] + "    app.run(debug=True)\n"
    world = dash.show(run)
    start = world.stage("start").facts
    assert (start["health_route"][:7], start["port_ignored"]) == ("/_dash-", False)
    dash.stop()
    deployment = world.stage("deployment").facts
    assert (deployment["port"] == deployment["given_port"], deployment["everywhere"]) == (True, False)


GRADIO = """
import time
import gradio as gr
from ask import ask
with gr.Blocks() as demo:
    gr.Markdown("# Orders")
    shown = gr.Dataframe(headers=["priority", "worth"])
    words = gr.Textbox(label="Worth")
EVENTS
if __name__ == "__main__":
    demo.launch()
"""
LOADED = """
    def load():
        time.sleep(4)
        return ask()
    demo.load(load, None, shown)
"""
FAILED = """
    demo.load(lambda: ask()[0]["worth"], None, words)
"""


def test_what_gradio_shows_follows_the_data(gradio: Kind) -> None:
    gradio.fly(GRADIO.replace("EVENTS", LOADED))
    assert judge_data(gradio.world.evidence()).low == 1
    assert judge_connectivity(gradio.world.evidence()).low == 1


@pytest.mark.hazard(27)
def test_an_event_that_fails(gradio: Kind) -> None:
    """Hazard 27: no request fails and no script of the page does; only a small word says that there was an error."""
    finding = gradio.look(GRADIO.replace("EVENTS", FAILED))
    assert (finding.low, finding.reason) == (0, "ui.error_screen")


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - what the platform asks for
def test_gradio_that_listens_for_itself_alone(gradio: Kind, address: str) -> None:
    script = GRADIO.replace("EVENTS", "").replace("launch()", f"launch(server_name='{address}')")
    world = gradio.show(script)
    deployment = world.stage("deployment").facts
    assert deployment["everywhere"] is (address != "127.0.0.1")
