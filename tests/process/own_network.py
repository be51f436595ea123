"""Runs a test program anew in a network of its own, where it pulls cables and counts packets that
are of nobody else."""

import os
import shutil
import subprocess
import sys

INSIDE = "--inside"
COMMAND = ["unshare", "--user", "--map-root-user", "--net"]


def is_inside():
    return INSIDE in sys.argv


def why_not(*tools):
    """What keeps this machine from making such a network, and from using these tools in it."""
    for tool in ("unshare", "ip", *tools):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    tried = subprocess.run([*COMMAND, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return f"no network namespace can be made here: {tried.stderr.strip()}"
    return None


def enter(program):
    """Does not return."""
    os.execvp(COMMAND[0], [*COMMAND, sys.executable, program, INSIDE])
