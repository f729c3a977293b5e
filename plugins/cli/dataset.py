"""`appeval dataset create|list|diff`: the apps that are evaluated again and again, and the versions of their list."""

from __future__ import annotations

import argparse
from pathlib import Path

from fixtures.discovery import discover
from fixtures.errors import BadInput
from plugins.cli import run_folder
from plugins.project import project_folder
from plugins.tracking.options import add_store_options, store_of
from reports.model import Run, read_run
from reports.text import count_text, plain

HELP = "make, list and compare datasets of apps in MLflow"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="create|list|diff")
    create = verbs.add_parser("create", help="make a dataset of app folders, or add them to one")
    create.add_argument("name", metavar="NAME")
    create.add_argument("--apps", action="append", metavar="DIR|GLOB", help="app folders, as pytest takes them")
    create.add_argument("--run", metavar="RUN", help="a run whose verdicts are expected where no expected.toml says")
    listed = verbs.add_parser("list", help="datasets and their versions")
    listed.add_argument("name", metavar="NAME", nargs="?", help="only this one, with its records")
    diff = verbs.add_parser("diff", help="what two datasets or versions differ in")
    diff.add_argument("first", metavar="NAME[@VERSION]")
    diff.add_argument("second", metavar="NAME[@VERSION]", nargs="?", help="default: NAME as it is now")
    for verb in (create, listed, diff):
        add_store_options(verb)


def run(arguments: argparse.Namespace) -> int:
    return {"create": _create, "list": _list, "diff": _diff}[arguments.verb](arguments)


def _create(arguments: argparse.Namespace) -> int:
    from plugins.tracking.datasets import merge
    from plugins.tracking.records import record_of_app

    if "@" in arguments.name:
        raise BadInput(f"{arguments.name}: a version is made by what it holds; give the name alone")
    earlier = read_run(run_folder(arguments.run)) if arguments.run else None
    found = discover(_places(arguments.apps, earlier), Path.cwd())
    known = {app.path: app for app in earlier.apps} if earlier is not None else {}
    records = [record_of_app(app, known.get(str(app.path))) for app in found.apps]
    for skipped in found.skipped:
        print(f"{plain(str(skipped.path))} is no app: {skipped.reason}")
    with store_of(arguments) as store:
        merged = merge(store, arguments.name, records)
    state = "new" if merged.changed else "as it was"
    print(
        f"{merged.name}: {count_text(len(records), 'app')} merged; version {merged.version.number} "
        f"({merged.version.digest}, {count_text(merged.version.records, 'app')}), {state}"
    )
    return 0


def _places(given: list[str] | None, earlier: Run | None) -> list[str]:
    if given:
        return given
    if earlier is not None:
        return [app.path for app in earlier.apps]
    own = project_folder() / "apps"
    return [str(own if own.is_dir() else project_folder() / "fixtures/apps")]


def _list(arguments: argparse.Namespace) -> int:
    from plugins.tracking.datasets import names, records_of, versions

    with store_of(arguments, reading=True) as store:
        for name in [arguments.name] if arguments.name else names(store):
            held = records_of(store, name)
            print(f"{plain(name, 200)}: {count_text(len(held), 'app')}")
            for version in versions(store, name):
                print(f"  @{version.number}  {version.digest}  {count_text(version.records, 'app')}")
            if arguments.name:
                for record in held:
                    tags = "  ".join(
                        f"{plain(key, 60)}={plain(str(value), 60)}" for key, value in sorted(record["tags"].items())
                    )
                    print(f"    {plain(str(record['inputs'].get('app', 'no app')), 60)}  {tags}".rstrip())
    return 0


def _diff(arguments: argparse.Namespace) -> int:
    from plugins.tracking.datasets import records_of
    from plugins.tracking.records import differences

    second = arguments.second or arguments.first.partition("@")[0]
    with store_of(arguments, reading=True) as store:
        found = list(differences(records_of(store, arguments.first), records_of(store, second)))
    for one in found:
        print(f"{one.kind:8} {plain(one.app, 80)}" + (f": {', '.join(one.what)}" if one.what else ""))
    print(f"{count_text(len(found), 'difference')} between {arguments.first} and {second}")
    return 1 if found else 0
