"""The server as a process of its own, for tests that speak to it from outside."""

import contextlib
import json
import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("SYNCLINE_BUILD_DIR", ROOT / "build" / "release"))


def start_server(store, port=0, *flags):
    """The process, and the port on which it listens by now."""
    process = subprocess.Popen(
        [BUILD / "bin" / "syncline", "server", "--store", store, "--listen", f"127.0.0.1:{port}",
         "--json", *flags],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    url = json.loads(process.stdout.readline())["url"]
    return process, int(url.rsplit(":", 1)[1])


@contextlib.contextmanager
def running_server(*flags):
    """Gives the process, which the block may end itself, and its port."""
    with tempfile.TemporaryDirectory() as folder:
        process, port = start_server(folder, 0, *flags)
        try:
            yield process, port
        finally:
            process.kill()
            process.wait()
