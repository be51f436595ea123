#!/usr/bin/python3
"""Runs every test and counts its cases.

    run_tests.py --build release=build/release [--build asan=build/asan ...]
                 [--command 'NAME=SHELL COMMAND' ...] [--only WORD] [--minutes N]

Runs, two at a time: the test program of each folder of tests/ in each build; once, the scripts
tests/**/*_test.py and tests/**/*_test.sh (one case each; exit 77 = skipped); the given commands
(one case each). A case that says `SKIPPED: why` at the beginning of a line counts as skipped.
Prints failures in full, then the time of each, and ends with `N passed, N failed, N skipped`.
Exits 1 if a case failed, a program died, or one that has tests was not built.
"""

import argparse
import functools
import os
import re
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as xml_tree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARALLEL = 2
OUTPUT_LINES_MAX = 400
# The longest first, so that none of them runs alone at the end.
FOLDERS = ["process", "simulation", "scenario", "runtime", "net", "storage", "actors", "core"]


@dataclass
class Result:
    """What one program or script came to."""
    name: str
    passed: int = 0
    skipped: list = field(default_factory=list)  # (case, why)
    failures: list = field(default_factory=list)  # (case, text)
    seconds: float = 0.0
    last_line: str = ""


@dataclass(frozen=True)
class Job:
    name: str
    command: list
    build: Path
    is_program: bool  # of Boost.Test: it counts its own cases
    minutes: int  # after which it is ended


def environment(job):
    """What tests find out about their surroundings; a value that is set already wins."""
    defaults = {
        "SYNCLINE_TEST_DATA": ROOT.parent / "shared" / "data",
        "SYNCLINE_SOURCE_DIR": ROOT,
        "SYNCLINE_BUILD_DIR": job.build,
        "SYNCLINE_PROGRAM": job.build / "bin" / "syncline",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "TSAN_OPTIONS": f"suppressions={ROOT / 'cmake' / 'tsan.supp'}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    own = {"SYNCLINE_BUILD_DIR", "SYNCLINE_PROGRAM"}  # each build has its own program
    return {**{name: str(value) for name, value in defaults.items()}, **os.environ,
            **{name: str(defaults[name]) for name in own}}


def shortened(output):
    lines = output.splitlines()
    left_out = len(lines) - OUTPUT_LINES_MAX
    if left_out <= 0:
        return output.rstrip()
    return "\n".join([f"... {left_out} lines before this ..."] + lines[-OUTPUT_LINES_MAX:])


def ending(code):
    if code is None:
        return "still ran when its time was up (--minutes) and was ended"
    if code < 0:
        return f"died by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def run(command, job):
    """Exit code (None = out of time) and everything that was printed."""
    child = subprocess.Popen(command, cwd=ROOT, env=environment(job), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             start_new_session=True)
    try:
        output, _ = child.communicate(timeout=60 * job.minutes)
        return child.returncode, output.decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        output, _ = child.communicate()
        return None, output.decode("utf-8", "replace")


def reason_to_skip(text):
    match = re.search(r"^(?:- message: )?SKIPPED: *(.*)$", text, re.MULTILINE)
    return match[1].strip() if match else None


def read_cases(report, result):
    """Counts the cases of a JUnit report."""
    for case in xml_tree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname') or ''}/{case.get('name')}".lstrip("/")
        failures = [element.text or "" for kind in ("failure", "error")
                    for element in case.iter(kind)]
        said = "".join(element.text or "" for element in case.iter("system-out"))
        why = reason_to_skip(said)
        if failures:
            result.failures.append((name, "\n".join(text.strip() for text in failures)))
        elif case.find("skipped") is not None:
            result.skipped.append((name, "disabled, or never reached"))
        elif why is not None:
            result.skipped.append((name, why))
        else:
            result.passed += 1


def run_program(job, result):
    """A Boost.Test program: the report has the cases, the output what they printed."""
    report = job.build / "test_reports" / (job.name.replace("/", "_") + ".xml")
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    code, output = run(job.command + ["--report_level=no", "--color_output=no",
                                      "--logger=HRF,error,stdout",
                                      f"--logger=JUNIT,message,{report}"], job)
    try:
        read_cases(report, result)
    except (OSError, xml_tree.ParseError):
        result.failures.append(("the program", f"{ending(code)} without a report"))
    if code != 0 and not result.failures:
        result.failures.append(("the program", f"{ending(code)} though no case failed"))
    if result.passed + len(result.skipped) + len(result.failures) == 0:
        result.failures.append(("the program", "ran no test"))
    if result.failures:
        result.failures.append((None, "its output:\n" + shortened(output)))


def run_script(job, result):
    code, output = run(job.command, job)
    why = reason_to_skip(output)
    result.last_line = (output.strip().splitlines() or [""])[-1]
    if code == 77 or (code == 0 and why is not None):
        result.skipped.append((job.name, why or result.last_line))
    elif code == 0:
        result.passed += 1
    else:
        result.failures.append((job.name, f"{ending(code)}\n{shortened(output)}"))


def run_job(job, printing):
    result = Result(job.name)
    began = time.monotonic()
    (run_program if job.is_program else run_script)(job, result)
    result.seconds = time.monotonic() - began
    with printing:
        state = "FAILED" if result.failures else "ok"
        print(f"{state:6} {job.name} ({result.seconds:.1f} s) {result.last_line[:200]}", flush=True)
        for case, text in result.failures:
            print(f"\n--- {job.name}: {case}\n{text}\n" if case else f"\n{text}\n", flush=True)
    return result


def jobs_of(given):
    """Everything there is to run, and the names of programs that have tests but were not built."""
    builds, minutes = given.build, given.minutes
    jobs, missing = [], []
    for label, build in builds:
        for folder in FOLDERS:
            if not any((ROOT / "tests" / folder).rglob("*_test.cpp")):
                continue
            program = build / "bin" / f"{folder}_tests"
            name = folder if label == builds[0][0] else f"{label}/{folder}"
            if program.is_file():
                jobs.append(Job(name, [str(program)], build, True, minutes))
            else:
                missing.append(name)
    scripts = sorted([*(ROOT / "tests").rglob("*_test.py"), *(ROOT / "tests").rglob("*_test.sh")])
    for script in scripts:
        if os.access(script, os.X_OK):
            name = script.relative_to(ROOT).as_posix()
            jobs.append(Job(name, [str(script)], builds[0][1], False, minutes))
    for name, line in given.command:
        jobs.append(Job(name, ["bash", "-c", line], builds[0][1], False, minutes))
    wanted = [job for job in jobs if given.only in job.name]
    return wanted, [name for name in missing if given.only in name]


def summary(results):
    """The table of times and the counts; returns (passed, failed, skipped)."""
    for result in results:
        for case, why in result.skipped:
            print(f"skipped: {result.name}: {case}: {why}")
    width = max((len(result.name) for result in results), default=0)
    print(f"\n{'':{width}}  seconds  passed  failed  skipped")
    total = [0, 0, 0]
    for result in sorted(results, key=lambda each: -each.seconds):
        failed = sum(1 for case, _ in result.failures if case)
        counts = [result.passed, failed, len(result.skipped)]
        total = [old + new for old, new in zip(total, counts)]
        print(f"{result.name:{width}}  {result.seconds:7.1f}  {counts[0]:6}  {counts[1]:6}  "
              f"{counts[2]:7}")
    return total


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    pair = functools.partial(str.split, sep="=", maxsplit=1)
    parser.add_argument("--build", action="append", required=True, metavar="NAME=DIR", type=pair)
    parser.add_argument("--command", action="append", default=[], metavar="NAME=COMMAND", type=pair)
    parser.add_argument("--only", default="", metavar="WORD", help="names that hold this word")
    parser.add_argument("--minutes", type=int, default=30, help="for one program or script")
    given = parser.parse_args()
    if any(len(both) != 2 for both in given.build + given.command):
        parser.error("--build and --command take NAME=VALUE")
    given.build = [(name, Path(folder).resolve()) for name, folder in given.build]
    return given


def main():
    jobs, missing = jobs_of(arguments())
    printing = threading.Lock()
    with ThreadPoolExecutor(PARALLEL) as pool:
        results = list(pool.map(lambda job: run_job(job, printing), jobs))
    for name in missing:
        print(f"FAILED {name}: has tests, but its program was not built")
        results.append(Result(name, failures=[("the program", "was not built")]))
    passed, failed, skipped = summary(results)
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
