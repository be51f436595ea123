#!/usr/bin/python3
"""Every error code that the sources can give is on docs/errors.md."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ["core", "storage", "net", "actors", "runtime", "apps"]
MAKERS = re.compile(r'\b(?:fail|kv_error|error|refusal|failed_reply|set_code|set_failure|'
                    r'named_status|report)\s*[({]{1,2}\s*"([a-z][a-z_]+)"')


def codes():
    found = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.?pp")):
            if "simulation" in path.parts:
                continue
            for code in MAKERS.findall(path.read_text()):
                found.setdefault(code, path.relative_to(ROOT))
    return found


def main():
    page = set(re.findall(r"`([a-z_]+)`", (ROOT / "docs/errors.md").read_text()))
    found = codes()
    missing = [f"{code} ({path})" for code, path in found.items() if code not in page]
    if len(found) < 60:
        sys.exit(f"only {len(found)} codes were found: the pattern no longer fits the sources")
    if missing:
        sys.exit("docs/errors.md lacks: " + ", ".join(missing))
    print(f"{len(found)} codes, all on the page")


if __name__ == "__main__":
    main()
