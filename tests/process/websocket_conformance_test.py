#!/usr/bin/python3
"""WebSocket as others have written it down: Autobahn's cases, replayed against /debug/echo."""

import os
import subprocess
import sys
from pathlib import Path

from checks import skip
from server_process import ROOT, running_server

DATA = Path(os.environ.get("SYNCLINE_TEST_DATA", ROOT.parent / "shared" / "data"))
REPLAY = DATA / "conformance" / "websocket" / "replay-ws.py"
CASES = 239


def main():
    if not REPLAY.exists():
        skip("the WebSocket cases are not below SYNCLINE_TEST_DATA")
    with running_server("--debug-echo") as (_, port):
        run = subprocess.run(
            ["/usr/bin/python3", REPLAY, "127.0.0.1", str(port), "/debug/echo"],
            capture_output=True, text=True, timeout=240, check=False)
    said = run.stdout.strip().splitlines()
    last = said[-1] if said else "no output"
    if run.returncode != 0 or not last.startswith(f"{CASES} passed, 0 failed"):
        print("\n".join(said[-40:]), run.stderr, sep="\n")
        return 1
    print(f"{CASES} cases")
    return 0


sys.exit(main())
