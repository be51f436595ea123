"""What the tests that are programs have in common: counted checks, and being skipped."""

import sys

SKIPPED = 77  # the exit code by which the runner knows it
passed = 0


def check(what, holds):
    """Ends the test where it does not hold."""
    global passed
    if not holds:
        raise AssertionError(what)
    passed += 1


def skip(why):
    """Ends the test as one that cannot run here."""
    print(f"SKIPPED: {why}")
    sys.exit(SKIPPED)


def report():
    """The last word of a test that passed."""
    print(f"{passed} checks")
