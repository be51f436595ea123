#!/usr/bin/python3
"""The dependency rule of the layout, where real time and threads may appear, and sizes.

    check_layers.py [SOURCE_DIR]

Prints one line per violation, `file:line: [rule] what is wrong`, and exits 1 if there is any.
tests/layering_test.py runs it over the tree and plants one violation of each rule to see it found.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CODE = {".cpp", ".hpp", ".h"}
SIZED = CODE | {".proto", ".py", ".sh"}
FOLDERS = ["core", "messages", "storage", "net", "actors", "runtime", "apps", "tests", "bench",
           "examples", "cmake"]

# What an angle-bracket include belongs to; the first match counts. Slashless names without a dot
# are the standard library's, the C++ versions of C headers among them.
HEADERS = [(name, re.compile(pattern)) for name, pattern in [
    ("std", r"[a-z0-9_]+$"),
    ("utf8cpp", r"utf8(\.h$|/)"),
    ("protobuf", r"google/protobuf/"),
    ("simdjson", r"simdjson\.h$"),
    ("lmdb", r"lmdb\.h$"),
    ("xxhash", r"xxh(ash|3)\.h$"),
    ("caf", r"caf/"),
    ("curl", r"curl/"),
    ("digest", r"openssl/(evp|sha|hmac|rand|crypto)\.h$"),
    ("tls", r"openssl/"),
    ("sockets", r"(sys/(socket|un|epoll|select|uio)|netinet/.*|arpa/inet|net/if|netdb|poll"
                r"|linux/(rt)?netlink)\.h$|boost/(asio|beast)([/.]|$)"),
    ("boost_test", r"boost/test/"),
    ("boost", r"boost/"),
    ("zlib", r"zlib\.h$"),
    ("zstd", r"zstd(_errors)?\.h$"),
    ("sd_bus", r"systemd/"),
    ("spdlog", r"(spdlog|fmt)/"),
    ("prometheus", r"prometheus/"),
    ("cli11", r"CLI/"),
    ("toml", r"toml\+\+/"),
    ("nlohmann", r"nlohmann/"),
    ("rapidcheck", r"rapidcheck([/.]|$)"),
    ("benchmark", r"benchmark/"),
    ("syncline", r"syncline/"),
    ("posix", r"(unistd|fcntl|pthread|signal|sched|spawn|dirent|errno|termios|dlfcn|ifaddrs"
              r"|sys/[a-z_]+|linux/[a-z_]+)\.h$"),
]]

ANYTHING = None

# folder -> (libraries, folders and files of ours); the longest matching folder counts, and every
# folder may include itself. A name that begins with "!" is taken out again.
MESSAGES = ["std", "protobuf"]
SOCKETS = ["sockets", "boost", "tls", "digest", "curl", "zlib", "zstd", "sd_bus", "posix"]
RULES = {
    # `expected` and `ensure` are vocabulary: they include the standard library only.
    "core/ot": (["std", "utf8cpp"], ["core/expected.hpp", "core/ensure.hpp"]),
    "core": (MESSAGES + ["simdjson", "utf8cpp"], ["messages"]),
    "messages": (MESSAGES, []),
    "storage": (MESSAGES + ["lmdb", "xxhash", "digest", "posix"], ["core", "messages"]),
    "net/protocol": (MESSAGES + ["simdjson"], ["core", "messages"]),
    "net/client": (MESSAGES + SOCKETS, ["net", "core", "messages"]),
    "net/server": (MESSAGES + SOCKETS, ["net", "core", "messages"]),
    # Netlink, by which the host's sensors hear of the network, is spoken over a socket.
    "net/host": (MESSAGES + ["sockets", "sd_bus", "posix"], ["net", "core", "messages"]),
    "net": (MESSAGES + ["zlib", "zstd", "digest"], ["core", "messages"]),
    "actors": (MESSAGES + ["caf", "digest"], ["storage", "net", "core", "messages"]),
    # Public headers stand on the standard library, so that a host needs nothing else of ours.
    "runtime/include": (["std", "syncline"], []),
    "runtime": (MESSAGES + ["caf", "spdlog", "prometheus", "digest", "posix", "syncline"],
                ["actors", "storage", "net", "core", "messages", "!actors/server"]),
    "apps": (MESSAGES + ["posix", "digest", "syncline", "spdlog", "cli11", "nlohmann", "toml"],
             ["runtime", "net/server", "net/client/http_pool.hpp", "messages",
              "actors/server/server.hpp", "actors/simulation"]),
    "examples": (["std", "syncline", "posix"], ["runtime/include"]),
    "tests": ANYTHING,
    "bench": ANYTHING,
    "cmake": (["std"], []),
}

# CAF and LMDB by their names in the code too: (rule, pattern, files where it may stand).
NAMES = [
    ("caf", re.compile(r"\bcaf::"), re.compile(r"actors/|runtime/[^/]*\.cpp$|tests/|bench/")),
    ("caf_version", re.compile(r"\bCAF_VERSION\b"), re.compile(r"actors/caf\.hpp$")),
    ("lmdb", re.compile(r"\b(mdb_[a-z_]+\s*\(|MDB_\w+)"), re.compile(r"storage/|tests/|bench/")),
]

# Time, randomness and threads come in through seams, or a seed would not decide a run.
NONDETERMINISM = [re.compile(pattern) for pattern in [
    r"\b\w*clock::now\b",
    r"\b(time|gettimeofday|clock_gettime)\s*\(\s*(nullptr|NULL|0|&|CLOCK_)",
    r"(?<![\w.>])s?rand\s*\(",
    r"\bgetrandom\s*\(",
    r"\bstd::random_device\b",
    r"\bstd::(j?thread|async)\b(?!::)",
    r"\bstd::this_thread::sleep_",
    r"\bcaf::detached\b",
]]
ADAPTERS = [(re.compile(pattern), reason) for pattern, reason in [
    (r"storage/kv_lmdb", "opens real files, whose locks and leases belong to real threads"),
    (r"net/(?!protocol/)", "real sockets have their own thread and time out in real time"),
    (r"runtime/", "binds the actors to the real clock, randomness and threads of the host"),
    (r"apps/", "programs run in real time"),
    (r"tests/", "tests build the seams"),
    (r"bench/", "measures real time"),
    (r"actors/caf\.hpp$", "the layer over CAF: spawns detached where the world is real"),
    (r"actors/seams[^/]*\.[ch]pp$", "the seams themselves: real and simulated side by side"),
]]

LINES_MAX, TEST_LINES_MAX, FUNCTION_LINES_MAX, COLUMNS_MAX = 400, 600, 70, 100


@dataclass(frozen=True)
class Violation:
    file: str
    line: int
    rule: str
    text: str

    def __str__(self):
        return f"{self.file}:{self.line}: [{self.rule}] {self.text}"


def sources(root):
    """All files that are checked, relative to `root`."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.suffix in SIZED:
                yield path.relative_to(root).as_posix()


def without_comments_and_texts(code):
    """The code with comments and the insides of literals blanked; line numbers stay."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.S)
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), code)


def inside(name, entry):
    """Whether the file `name` is `entry` or lies below it."""
    return name == entry or name.startswith(entry + "/")


def rule_of(name):
    folders = [folder for folder in RULES if inside(name, folder)]
    return max(folders, key=len)


def may_include(name, target):
    """Whether the file `name` may include our file `target`."""
    folder = rule_of(name)
    rule = RULES[folder]
    if rule is ANYTHING or inside(target, folder):
        return True
    entries = rule[1]
    if any(inside(target, entry[1:]) for entry in entries if entry.startswith("!")):
        return False
    return any(inside(target, entry) for entry in entries)


def resolve(root, name, included):
    """The file of ours that a quoted include means, or None."""
    if included.endswith(".pb.h"):
        return "messages/" + included.removesuffix(".pb.h") + ".proto"
    for base in [(root / name).parent, root, root / "runtime/include"]:
        path = Path(os.path.normpath(base / included))
        if path.is_file() and path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return None


def check_include(root, name, line, opening, included):
    folder = rule_of(name)
    if opening == '"':
        target = resolve(root, name, included)
        if target is None:
            return [Violation(name, line, "include", f'"{included}" is no file of ours')]
        if not may_include(name, target):
            return [Violation(name, line, "layer", f"{folder}/ may not include {target}")]
        return []
    library = next((library for library, pattern in HEADERS if pattern.match(included)), None)
    if library is None:
        return [Violation(name, line, "include",
                          f"<{included}> belongs to no library that check_layers.py knows")]
    if RULES[folder] is ANYTHING or library in RULES[folder][0]:
        return []
    rule = "public_header" if folder == "runtime/include" else "library"
    return [Violation(name, line, rule, f"{folder}/ may not include <{included}> ({library})")]


def check_includes(root, name, code):
    found = []
    for number, line in enumerate(code.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if match:
            found += check_include(root, name, number, match[1], match[2])
    return found


def check_names(name, bare):
    """CAF, LMDB and sources of nondeterminism outside the files that may use them."""
    adapter = any(pattern.match(name) for pattern, _ in ADAPTERS)
    found = []
    for number, line in enumerate(bare.splitlines(), 1):
        for rule, pattern, allowed in NAMES:
            if pattern.search(line) and not allowed.match(name):
                found.append(Violation(name, number, rule, "does not belong in this file"))
        for pattern in NONDETERMINISM:
            match = pattern.search(line)
            if match and not adapter:
                found.append(Violation(name, number, "nondeterminism",
                                       f"`{match.group().strip()}` belongs in an adapter"))
        if re.search(r"\bcatch\s*\(\s*\.\.\.\s*\)", line):
            found.append(Violation(name, number, "catch_all", "`catch (...)` hides what failed"))
    return found


def check_sizes(name, text):
    lines = text.splitlines()
    limit = TEST_LINES_MAX if inside(name, "tests") else LINES_MAX
    found = []
    if len(lines) > limit:
        found.append(Violation(name, len(lines), "file_length",
                               f"{len(lines)} lines, at most {limit}"))
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX:
            found.append(Violation(name, number, "columns",
                                   f"{len(line)} columns, at most {COLUMNS_MAX}"))
    return found


def check_functions(root, names):
    """Function lengths, by universal-ctags; None where it is not installed."""
    ctags = shutil.which("ctags")
    if ctags is None or not names:
        return None if names else []
    done = subprocess.run(
        [ctags, "--languages=C++", "--langmap=C++:.cpp.hpp.h", "--c++-kinds=f", "--fields=+ne",
         "-L", "-", "-f", "-"],
        cwd=root, input="\n".join(names), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return None  # another make of ctags
    found = []
    for row in done.stdout.splitlines():
        columns = row.split("\t")
        fields = dict(field.split(":", 1) for field in columns[3:] if ":" in field)
        if "line" not in fields or "end" not in fields:
            continue
        length = int(fields["end"]) - int(fields["line"]) + 1
        if length > FUNCTION_LINES_MAX:
            found.append(Violation(columns[1], int(fields["line"]), "function_length",
                                   f"{columns[0]}: {length} lines, at most {FUNCTION_LINES_MAX}"))
    return found


def check(root):
    """All violations below `root`, and notes on what could not be checked."""
    root = Path(root).resolve()
    violations, code_files = [], []
    for name in sources(root):
        text = (root / name).read_text(encoding="utf-8")
        violations += check_sizes(name, text)
        if Path(name).suffix not in CODE:
            continue
        code_files.append(name)
        violations += check_includes(root, name, text)
        violations += check_names(name, without_comments_and_texts(text))
        if Path(name).suffix != ".cpp" and "#pragma once" not in text:
            violations.append(Violation(name, 1, "pragma_once", "a header needs `#pragma once`"))
    functions = check_functions(root, code_files)
    if functions is None:
        return violations, ["function lengths not checked: universal-ctags is not installed"]
    return violations + functions, []


def main():
    default = Path(__file__).resolve().parent.parent
    violations, notes = check(sys.argv[1] if len(sys.argv) > 1 else default)
    for line in [*notes, *violations]:
        print(line)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
