#!/usr/bin/python3
"""clang-tidy over the files that a change touches, or over all.

    check_tidy.py --build DIR [--all] [--seconds N]

A changed header is checked through its own .cpp, else through one file that includes it. What was
found clean is remembered by content (the file, our headers below it, its flags, the rules) for all
checkouts of this user, so only what changed is checked again: in $SYNCLINE_TIDY_CACHE, by default
~/.cache/syncline/tidy.json. With --seconds, files that the time does not reach are named and left
for the next run. Exits 1 on a finding, 77 where clang-tidy is not installed.
"""

import argparse
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def git(*command):
    """Lines that git prints; none where this is no repository or it has no such revision."""
    done = subprocess.run(["git", "-C", str(ROOT), *command], capture_output=True, text=True,
                          check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


def base_of_change():
    """The commit to compare with: where this branch left the main one, else the last one."""
    head = git("rev-parse", "-q", "--verify", "HEAD")
    for branch in ["origin/HEAD", "origin/main", "main"]:
        base = git("merge-base", "HEAD", branch)
        if base and base != head:
            return base[0]
    previous = git("rev-parse", "-q", "--verify", "HEAD~1")
    return (previous or head or [None])[0]


def changed_files():
    base = base_of_change()
    committed = git("diff", "--name-only", "--diff-filter=d", base) if base else []
    return sorted({*committed, *git("ls-files", "--others", "--exclude-standard")})


def commands_for_clang(build):
    """File -> its compile command in words clang understands: GCC's precompiled header goes."""
    commands = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words, kept = iter(shlex.split(entry["command"])), []
        for word in words:
            if word == "-include":
                following = next(words)
                if not following.endswith("cmake_pch.hxx"):
                    kept += [word, following]
            elif word != "-fpch-preprocess" and not word.startswith("-W"):
                kept.append(word)  # warnings are GCC's business
        # The launcher stands before the compiler.
        start = next(at for at, word in enumerate(kept) if re.search(r"\+\+(-\d+)?$", word))
        file = Path(entry["file"])
        if file.is_relative_to(ROOT) and not file.is_relative_to(build):
            name = file.relative_to(ROOT).as_posix()
            commands[name] = {**entry, "command": shlex.join(kept[start:])}
    return commands


def our_includes(name):
    """The files of ours that `name` includes directly."""
    path = ROOT / name
    for included in INCLUDE.findall(path.read_text(encoding="utf-8")):
        for base in [path.parent, ROOT, ROOT / "runtime/include"]:
            if (base / included).is_file():
                yield (base / included).resolve().relative_to(ROOT).as_posix()
                break


def all_includes(name):
    reached, waiting = set(), [name]
    while waiting:
        for included in our_includes(waiting.pop()):
            if included not in reached:
                reached.add(included)
                waiting.append(included)
    return sorted(reached)


def translation_units(changed, commands):
    """The sources through which every changed file is seen."""
    chosen = {name for name in changed if name in commands}
    for header in (name for name in changed if name.endswith((".hpp", ".h"))):
        own = str(Path(header).with_suffix(".cpp"))
        users = [own] if own in commands else \
            [name for name in sorted(commands) if header in our_includes(name)][:1]
        chosen.update(users)
    return sorted(chosen)


def fingerprint(name, command):
    # The same in every checkout.
    digest = hashlib.sha256(command.replace(str(ROOT), "").encode())
    schemas = sorted((ROOT / "messages").glob("*.proto"))
    for path in [ROOT / ".clang-tidy", ROOT / name, *(ROOT / each for each in all_includes(name)),
                 *schemas]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


class Remembered:
    """Which files were found clean, by content; kept in a file between runs."""

    MOST = 5000

    def __init__(self, file):
        self.file = file
        self.lock = threading.Lock()
        self.names = self.read()

    def read(self):
        try:
            return json.loads(self.file.read_text())  # name by fingerprint, the oldest first
        except (OSError, ValueError):
            return {}

    def has(self, key):
        return key in self.names

    def add(self, name, key):
        with self.lock:
            self.names = {**self.read(), **self.names, key: name}  # Others may run beside us.
            newest = dict(list(self.names.items())[-self.MOST:])
            self.file.parent.mkdir(parents=True, exist_ok=True)
            unfinished = self.file.with_suffix(f".{os.getpid()}")
            unfinished.write_text(json.dumps(newest, indent=1))
            unfinished.replace(self.file)


def check(tool, names, commands, folder, given):
    """Prints findings; returns (number of files with findings, files not reached)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "compile_commands.json").write_text(json.dumps(list(commands.values())))
    clean = Remembered(Path(os.environ.get("SYNCLINE_TIDY_CACHE") or
                            Path.home() / ".cache/syncline/tidy.json"))
    began = time.monotonic()

    def check_one(name):
        key = fingerprint(name, commands[name]["command"])
        if clean.has(key):
            return "clean"
        if given.seconds and time.monotonic() - began > given.seconds:
            return "not reached"
        done = subprocess.run([tool, "--quiet", "-p", str(folder), str(ROOT / name)], cwd=ROOT,
                              capture_output=True, text=True, check=False)
        if done.returncode == 0:
            clean.add(name, key)
            return "clean"
        print(done.stdout.replace(f"{ROOT}/", "") or done.stderr, flush=True)
        return "bad"

    with ThreadPoolExecutor(2 if given.all else 1) as pool:
        states = list(pool.map(check_one, names))
    left = [name for name, state in zip(names, states) if state == "not reached"]
    return states.count("bad"), left


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=Path)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--seconds", type=int, default=0)
    given = parser.parse_args()
    # Version 14, Debian's default, has no std::source_location with GCC 12's library.
    tool = shutil.which("clang-tidy-16")
    if tool is None:
        print("SKIPPED: clang-tidy-16 is not installed")
        return 77
    commands = commands_for_clang(given.build.resolve())
    names = sorted(commands) if given.all else translation_units(changed_files(), commands)
    bad, left = check(tool, names, commands, given.build.resolve() / "tidy", given)
    if left:
        print(f"{len(left)} files not reached in {given.seconds} s, for the next run or "
              f"`./setup test --full`: {' '.join(left)}")
    print(f"{len(names)} files, {bad} with findings, {len(left)} not reached")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
