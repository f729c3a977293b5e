"""The AppEval project: the folder that holds this package."""

from pathlib import Path


def project_folder() -> Path:
    return Path(__file__).resolve().parents[1]
