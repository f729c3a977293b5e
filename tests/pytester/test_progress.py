"""What the terminal says while an evaluation runs: plain lines in CI, live lines on a terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import termios
import time

from tests.pytester.project import PATIENCE, Project


def test_plain_lines_elsewhere(project: Project, workers: tuple[str, ...]) -> None:
    project.app("churn", fake_types={"facts": {"value": 0, "line": "3 type errors: App.tsx:12"}})
    project.app("sales")
    result = project.evaluate(*workers, code=1)
    assert "\x1b" not in result.out
    assert "\r" not in result.out
    lines = [line for line in result.out.splitlines() if re.match(r"\[\d/2\] ", line)]
    assert sorted(re.sub(r"^\[\d/2\] | in \d+ s", "", line) for line in lines) == [
        "churn: 8 passed, 1 failed; type_safety: 3 type errors: App.tsx:12",
        "sales: 9 passed",
    ]
    assert [line[:5] for line in lines] == ["[1/2]", "[2/2]"]


def test_live_lines_on_a_terminal(project: Project, workers: tuple[str, ...]) -> None:
    project.app("churn", fake_page={"after": ["fake_image", "fake_queries", "fake_readme"], "wait_for": "go"})
    environment = {**project.environment, "TERM": "xterm-256color"}
    environment.pop("NO_COLOR")
    controller, terminal = pty.openpty()
    before = termios.tcgetattr(terminal)
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "evals/", "--run-dir=run", *workers], cwd=project.root, env=environment,
        stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
    )  # fmt: skip
    try:
        shown = read_until(controller, r"fake_page \d+ s")
        (project.root / "go").touch()
        shown += read_until(controller, r"\d+ passed.* in [\d.]+s.*\n")
        assert process.wait(PATIENCE) == 0, shown
        assert termios.tcgetattr(terminal) == before
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
        os.close(controller)
    assert re.search(r"churn.*fake_page \d+ s", shown)
    assert re.search(r"0/1 apps, \d/9 verdicts, \d+ s", shown)
    assert "about" in shown, "an estimate"
    hidden, visible = shown.rfind("\x1b[?25l"), shown.rfind("\x1b[?25h")
    assert 0 <= hidden < visible, "the cursor is shown again"
    after = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown[visible:])
    assert "[1/1] churn: 9 passed" in shown
    assert "success rate 100 % of 1 app" in after, "the table comes when the live lines are gone"
    assert "verdicts," not in after


def read_until(terminal: int, pattern: str) -> str:
    """What the terminal shows until it matches, as it was written."""
    os.set_blocking(terminal, False)
    seen, until = "", time.monotonic() + PATIENCE
    while not re.search(pattern, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)):
        assert time.monotonic() < until, f"never shown: {pattern}\n{seen}"
        try:
            seen += os.read(terminal, 65536).decode("utf-8", "replace")
        except BlockingIOError:
            time.sleep(0.02)
    return seen
