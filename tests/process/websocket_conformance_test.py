#!/usr/bin/python3
"""WebSocket as others have written it down: Autobahn's cases, replayed against /debug/echo."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("SYNCLINE_BUILD_DIR", ROOT / "build" / "release"))
DATA = Path(os.environ.get("SYNCLINE_TEST_DATA", ROOT.parent / "shared" / "data"))
REPLAY = DATA / "conformance" / "websocket" / "replay-ws.py"
CASES = 239


def main():
    if not REPLAY.exists():
        print("SKIPPED: the WebSocket cases are not below SYNCLINE_TEST_DATA")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [BUILD / "bin" / "syncline", "server", "--store", folder, "--listen", "127.0.0.1:0",
             "--debug-echo", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            port = json.loads(server.stdout.readline())["url"].rsplit(":", 1)[1]
            run = subprocess.run(["/usr/bin/python3", REPLAY, "127.0.0.1", port, "/debug/echo"],
                                 capture_output=True, text=True, timeout=240, check=False)
        finally:
            server.terminate()
            server.wait(20)
    said = run.stdout.strip().splitlines()
    last = said[-1] if said else "no output"
    if run.returncode != 0 or not last.startswith(f"{CASES} passed, 0 failed"):
        print("\n".join(said[-40:]), run.stderr, sep="\n")
        return 1
    print(f"{CASES} cases")
    return 0


sys.exit(main())
