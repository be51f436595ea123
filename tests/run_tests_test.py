#!/usr/bin/python3
"""run_tests.py counts right, and turns red when a case fails or a program dies."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

RUNNER = Path(__file__).resolve().parent / "run_tests.py"

# A stand-in for a test program: writes the report it is told, then ends as it is told.
PROGRAM = """#!/usr/bin/env bash
for word in "$@"; do case $word in --logger=JUNIT,message,*) file=${{word#*message,}} ;; esac; done
echo output of the program
cat >"$file" <<'TEXT'
{report}
TEXT
{ending}
"""
PASSES = '<testcase classname="a" name="passes"/>'
FAILS = '<testcase classname="a" name="fails"><failure>1 != 2</failure></testcase>'
SKIPS = ('<testcase classname="a" name="skips"><system-out>- message: SKIPPED: no data'
         '</system-out></testcase>')

# (cases, how the program ends, exit code of the script beside it, last line, exit code)
SCENARIOS = [
    (PASSES + PASSES, "exit 0", 0, "3 passed, 0 failed, 0 skipped", 0),
    (PASSES + SKIPS, "exit 0", 0, "2 passed, 0 failed, 1 skipped", 0),
    (PASSES, "exit 0", 77, "1 passed, 0 failed, 1 skipped", 0),
    (PASSES + FAILS, "exit 201", 0, "2 passed, 1 failed, 0 skipped", 1),
    (PASSES, "exit 0", 1, "1 passed, 1 failed, 0 skipped", 1),
    (PASSES, "exit 3", 0, "2 passed, 1 failed, 0 skipped", 1),
    (PASSES, 'rm "$file"; kill -SEGV $$', 0, "1 passed, 1 failed, 0 skipped", 1),
    ("", "exit 0", 0, "1 passed, 1 failed, 0 skipped", 1),
    (None, "", 0, "1 passed, 1 failed, 0 skipped", 1),
]


def executable(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def run(cases, ending, script_code):
    """The runner over a tree with one test program (None = not built) and one script."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "tests/core").mkdir(parents=True)
        shutil.copy(RUNNER, root / "tests")
        (root / "tests/core/some_test.cpp").touch()
        executable(root / "tests/script_test.sh", f"#!/bin/sh\necho why not\nexit {script_code}\n")
        if cases is not None:
            report = f"<testsuite>{cases}</testsuite>"
            executable(root / "build/bin/core_tests",
                       PROGRAM.format(report=report, ending=ending))
        return subprocess.run([sys.executable, root / "tests/run_tests.py", "--build",
                               f"release={root}/build"], capture_output=True, text=True,
                              check=False)


def main():
    wrong = 0
    for cases, ending, script_code, last_line, code in SCENARIOS:
        done = run(cases, ending, script_code)
        if done.stdout.splitlines()[-1:] != [last_line] or done.returncode != code:
            wrong += 1
            print(f"expected `{last_line}` and exit code {code}, got {done.returncode} from\n"
                  f"{done.stdout}{done.stderr}")
    shown = run(PASSES + FAILS, "exit 201", 0).stdout
    if "1 != 2" not in shown or "output of the program" not in shown:
        wrong += 1
        print(f"a failure and the output around it have to be shown, got\n{shown}")
    print(f"{len(SCENARIOS)} scenarios, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
