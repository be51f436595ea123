#!/usr/bin/python3
"""Runs what the README shows.

The shell block with `syncline` runs line by line in an empty directory, on a free port; the C++
block is compiled, linked to nothing; blocks with ./setup and cmake run as `--dry-run` or name
presets that exist. A block of another kind fails the test, so that none is left out by accident.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = Path(os.environ.get("SYNCLINE_PROGRAM") or ROOT / "build/release/bin/syncline")
PORT = "8440"


def blocks():
    return re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)


def run(command, directory, **more):
    done = subprocess.run(command, cwd=directory, text=True, capture_output=True, timeout=120,
                          check=False, **more)
    if done.returncode != 0:
        sys.exit(f"failed with {done.returncode}: {command}\n{done.stdout}{done.stderr}")
    return done.stdout


def check_setup(text):
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        if words:
            run([str(ROOT / words[0]), "--dry-run", *words[1:]], ROOT)


def check_presets(text):
    presets = {one["name"] for one in
               json.loads((ROOT / "CMakePresets.json").read_text())["configurePresets"]}
    for preset in re.findall(r"--preset (\w+)", text):
        if preset not in presets:
            sys.exit(f"the README names the preset {preset}, which does not exist")


def start_server(words, directory):
    server = subprocess.Popen(words, cwd=directory, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
    line = server.stdout.readline()
    if not line.startswith("listening on "):
        sys.exit(f"the server did not start: {line}")
    return server, line.split()[-1].rsplit(":", 1)[1]


def run_session(text):
    server, port = None, PORT
    with tempfile.TemporaryDirectory() as directory:
        try:
            for line in text.splitlines():
                command, _, comment = line.partition("  #")
                background = command.strip().endswith("&")
                words = shlex.split(command.strip().removesuffix("&").replace(PORT, port))
                if not words:
                    continue
                if words[0] == "syncline":
                    words[0] = str(PROGRAM)
                if background:  # The port of the README may be taken on this machine.
                    words = [word.replace(PORT, "0") for word in words]
                    server, port = start_server(words, directory)
                    continue
                output = run(words, directory)
                if comment and json.loads(comment) != json.loads(output):
                    sys.exit(f"{command} printed {output}, and the README says {comment}")
        finally:
            if server:
                server.send_signal(signal.SIGTERM)
                server.wait(30)


def compile_block(text):
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory) / "readme.cpp"
        source.write_text(text)
        run(["c++", "-std=c++20", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
             f"-I{ROOT}/runtime/include", str(source)], directory)


def main():
    if not PROGRAM.exists():
        sys.exit(f"{PROGRAM} is not built")
    began = time.monotonic()
    count = 0
    for kind, text in blocks():
        count += 1
        if kind == "cpp":
            compile_block(text)
        elif kind == "sh" and text.startswith("./setup"):
            check_setup(text)
        elif kind == "sh" and text.startswith("cmake"):
            check_presets(text)
        elif kind == "sh" and text.startswith("syncline"):
            run_session(text)
        else:
            sys.exit(f"no rule for a block of kind {kind}: {text[:60]}")
    print(f"{count} blocks of the README in {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
