#!/usr/bin/python3
"""The tree keeps the rules of cmake/check_layers.py, and each rule finds a planted violation."""

import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "cmake"))
import check_layers  # noqa: E402 (its folder had to be named first)

HEADER = "#pragma once\n"
LONG_FUNCTION = "int f() {\n" + "  g();\n" * 70 + "  return 1;\n}\n"

# (file, what it says, the rule that must object or None)
PLANTED = [
    # Which folder may include which.
    ("core/a.hpp", HEADER + '#include "storage/b.hpp"\n', "layer"),
    ("core/ot/a.hpp", HEADER + '#include "core/data/b.hpp"\n', "layer"),
    ("core/a.hpp", HEADER + '#include "runtime/include/syncline/b.hpp"\n', "layer"),
    ("storage/a.hpp", HEADER + '#include "actors/b.hpp"\n', "layer"),
    ("storage/a.cpp", '#include "../net/b.hpp"\n', "layer"),
    ("net/protocol/a.cpp", '#include "net/client/b.hpp"\n', "layer"),
    ("runtime/a.cpp", '#include "actors/server/b.hpp"\n', "layer"),
    ("apps/syncline/a.cpp", '#include "storage/b.hpp"\n', "layer"),
    ("apps/syncline/a.cpp", '#include "actors/server/b.hpp"\n', "layer"),
    ("core/a.hpp", HEADER + '#include "nowhere.hpp"\n', "include"),
    ("core/a.hpp", HEADER + "#include <some/library.hpp>\n", "include"),
    # Which folder may use which library.
    ("core/a.cpp", "#include <unistd.h>\n", "library"),
    ("core/ot/a.cpp", "#include <google/protobuf/message.h>\n", "library"),
    ("core/a.cpp", "#  include <caf/all.hpp>\n", "library"),
    ("storage/a.cpp", "#include <caf/all.hpp>\n", "library"),
    ("core/a.cpp", "#include <lmdb.h>\n", "library"),
    ("actors/a.cpp", "#include <lmdb.h>\n", "library"),
    ("net/protocol/a.cpp", "#include <sys/socket.h>\n", "library"),
    ("net/a.cpp", "#include <boost/asio.hpp>\n", "library"),
    ("net/a.cpp", "#include <openssl/ssl.h>\n", "library"),
    ("storage/a.cpp", "#include <openssl/ssl.h>\n", "library"),
    ("actors/a.cpp", "#include <netinet/in.h>\n", "library"),
    ("messages/a.cpp", "#include <simdjson.h>\n", "library"),
    ("apps/syncline/a.cpp", "#include <caf/all.hpp>\n", "library"),
    # Public headers.
    ("runtime/include/syncline/a.hpp", HEADER + "#include <caf/all.hpp>\n", "public_header"),
    ("runtime/include/syncline/a.hpp", HEADER + "#include <google/protobuf/message.h>\n",
     "public_header"),
    ("runtime/include/syncline/a.h", HEADER + "#include <boost/optional.hpp>\n", "public_header"),
    ("runtime/include/syncline/a.hpp", HEADER + '#include "core/data/b.hpp"\n', "layer"),
    # Names in the code.
    ("core/a.cpp", "caf::actor a;\n", "caf"),
    ("runtime/a.hpp", HEADER + "caf::actor a;\n", "caf"),
    ("actors/a.cpp", "#if CAF_VERSION < 1\n#endif\n", "caf_version"),
    ("runtime/a.cpp", "int i = mdb_env_create(&e);\n", "lmdb"),
    ("core/a.cpp", "MDB_env* e;\n", "lmdb"),
    # Time, randomness, threads.
    ("core/a.cpp", "auto t = std::chrono::system_clock::now();\n", "nondeterminism"),
    ("actors/client/a.cpp", "auto t = std::chrono::steady_clock::now();\n", "nondeterminism"),
    ("storage/a.cpp", "auto t = time(nullptr);\n", "nondeterminism"),
    ("core/a.cpp", "int i = std::rand();\n", "nondeterminism"),
    ("actors/a.cpp", "std::random_device d;\n", "nondeterminism"),
    ("storage/a.cpp", "std::thread t{f};\n", "nondeterminism"),
    ("net/protocol/a.cpp", "std::jthread t{f};\n", "nondeterminism"),
    ("actors/client/a.cpp", "spawn<caf::detached>(f);\n", "nondeterminism"),
    ("actors/a.cpp", "std::this_thread::sleep_for(s);\n", "nondeterminism"),
    # Sizes and shape.
    ("core/a.cpp", "int i;\n" * 401, "file_length"),
    ("tests/core/a_test.cpp", "int i;\n" * 601, "file_length"),
    ("core/a.cpp", LONG_FUNCTION, "function_length"),
    ("core/a.hpp", HEADER + LONG_FUNCTION, "function_length"),
    ("core/a.cpp", "// " + "x" * 98 + "\n", "columns"),
    ("core/a.hpp", "int i;\n", "pragma_once"),
    ("core/a.cpp", "void f() try {} catch (...) {}\n", "catch_all"),
    # And what is allowed stays allowed.
    ("core/a.cpp", '#include "core/data/b.hpp"\n#include "b.pb.h"\n#include <vector>\n', None),
    ("storage/a.cpp", '#include <lmdb.h>\n#include "core/data/b.hpp"\n', None),
    ("storage/kv_lmdb.cpp", "auto t = std::chrono::steady_clock::now(); std::thread u;\n", None),
    ("net/server/a.cpp", "#include <boost/beast.hpp>\n#include <openssl/ssl.h>\n", None),
    ("actors/a.cpp", "#include <caf/all.hpp>\ncaf::actor a; auto t = clock().now();\n", None),
    ("actors/caf.hpp", HEADER + "spawn<caf::detached>(f);\n", None),
    ("actors/seams_real.cpp", "std::random_device d;\n", None),
    ("runtime/a.cpp", '#include "actors/b.hpp"\n#include <caf/all.hpp>\n', None),
    ("apps/syncline/a.cpp", '#include "actors/server/server.hpp"\n', None),
    ("apps/syncline/a.cpp", '#include <syncline/b.hpp>\n#include "actors/simulation/b.hpp"\n',
     None),
    ("core/a.cpp", "// std::thread is not used; caf::actor neither.\n", None),
    ("core/a.cpp", 'auto s = "caf::actor and std::rand()";\nint operand(int);\n', None),
    ("tests/core/a_test.cpp", "int i;\n" * 600, None),
    ("core/a.cpp", "// " + "é" * 97 + "\n", None),
]

NEIGHBOURS = ["core/data/b.hpp", "storage/b.hpp", "actors/b.hpp", "net/b.hpp", "net/client/b.hpp",
              "actors/server/b.hpp", "actors/server/server.hpp", "actors/simulation/b.hpp",
              "runtime/include/syncline/b.hpp"]


def planted_rules(file, text):
    """The rules that object to a tree of `file` and clean neighbours."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, content in [*((name, HEADER) for name in NEIGHBOURS), (file, text)]:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content, encoding="utf-8")
        violations, _ = check_layers.check(root)
        return {violation.rule for violation in violations}


def main():
    failed = False
    for file, text, expected in PLANTED:
        if expected == "function_length" and shutil.which("ctags") is None:
            print("note: function lengths not checked: universal-ctags is not installed")
            continue
        found = planted_rules(file, text)
        if found != ({expected} if expected else set()):
            failed = True
            first = text.strip().splitlines()[-1][:60]
            print(f"self-test: {file} `{first}`: expected {expected}, found {sorted(found)}")
    violations, notes = check_layers.check(ROOT)
    for line in [*notes, *violations]:
        print(line)
    print(f"{len(PLANTED)} planted cases, {len(violations)} violations in the tree")
    return 1 if failed or violations else 0


if __name__ == "__main__":
    sys.exit(main())
