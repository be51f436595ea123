"""The server's process with its WebSocket at /debug/echo, for the tests of WebSocket."""

import contextlib
import json
import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("SYNCLINE_BUILD_DIR", ROOT / "build" / "release"))


@contextlib.contextmanager
def echo_server():
    """Gives the process, which the block may end itself, and its port."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [BUILD / "bin" / "syncline", "server", "--store", folder, "--listen", "127.0.0.1:0",
             "--debug-echo", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            url = json.loads(process.stdout.readline())["url"]
            yield process, int(url.rsplit(":", 1)[1])
        finally:
            process.kill()
            process.wait()
