"""Wires the plugin; its options are loaded by `-p` in pyproject.toml, so that they exist before any conftest."""

pytest_plugins = ["plugins.plugin"]
