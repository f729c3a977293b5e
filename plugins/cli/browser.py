"""`appeval browser`: find a Chromium that Playwright can drive, or install one."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable

from fixtures.browser import find_chromium

HELP = "find a Chromium, or install one"
_PATIENCE = 600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-install", action="store_true", help="only look")


def run(arguments: argparse.Namespace) -> int:
    """0 when there is one in the end. Tries Playwright's own download, then the system's package manager (as root
    only: it changes the machine)."""
    ways: list[tuple[str, Callable[[], bool]]] = [("Playwright's download", _playwright), ("apt-get", _apt)]
    for name, install in [] if arguments.no_install else ways:
        if find_chromium() is not None:
            break
        print(f"no Chromium yet, trying {name} ...", flush=True)
        if not install():
            print(f"  {name}: not possible here")
        find_chromium.cache_clear()
    found = find_chromium()
    if found is None:
        print("appeval: no Chromium found and none could be installed. Install one and run again, with one of\n"
              "  sudo apt-get install -y chromium      (Debian, Ubuntu)\n"
              "  .venv/bin/playwright install --with-deps chromium\n"
              "or name one: export APPEVAL_CHROMIUM=/path/to/chrome\n"
              "Without it the UI metric is UNMEASURED, and everything else works.", file=sys.stderr)  # fmt: skip
        return 1
    print(f"Chromium: {found.path} ({found.origin})")
    return 0


def _quietly(argv: list[str]) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - constant commands
            argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _playwright() -> bool:
    return _quietly([sys.executable, "-m", "playwright", "install", "chromium"])


def _apt() -> bool:
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return False
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    return _quietly([apt, "update", "-q"]) and _quietly([apt, "install", "-y", "-q", "chromium"])
