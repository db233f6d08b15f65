"""Adds an installation's own plugins to the built functions, without a build: each function reads the folder `plugins`
beside its program at its start."""

import shutil
from pathlib import Path

from deployment.config import ROOT

DIRECTORY = ROOT / "plugins"
# The functions that draw plugins, offer them as tools, and accept their names as types of reviews.
FUNCTIONS = ("Messages", "Plugins", "Mcp")


def add(build, directory=None):
    """Copies the directory into the built functions, and removes what an earlier deployment copied."""
    for function in FUNCTIONS:
        target = Path(build) / function / "plugins"
        shutil.rmtree(target, ignore_errors=True)
        if directory:
            shutil.copytree(directory, target)
