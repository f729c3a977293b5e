"""`appeval manifest TEMPLATE -o FILE`: the manifest by which an app is recognized as that template, unmodified."""

from __future__ import annotations

import argparse
from pathlib import Path

from fixtures.errors import BadInput
from fixtures.static.templates import make_manifest, write_manifest

HELP = "make the manifest of an app template"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("template", metavar="TEMPLATE", type=Path, help="the folder of the template")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="where to write the manifest")
    parser.add_argument("--name", help="the name of the template (default: its folder's)")


def run(arguments: argparse.Namespace) -> int:
    if not arguments.template.is_dir():
        raise BadInput(f"{arguments.template} is not a folder")
    manifest = make_manifest(arguments.name or arguments.template.resolve().name, arguments.template)
    write_manifest(manifest, arguments.output)
    print(f"{manifest.name}: {sum(manifest.chunks.values())} chunks of source, written to {arguments.output}")
    return 0
