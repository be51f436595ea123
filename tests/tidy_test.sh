#!/usr/bin/env bash
# clang-tidy over the changed files; with SYNCLINE_TIDY=all over every file. Exit 77 = skipped.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${SYNCLINE_BUILD_DIR:-build/release}

if [ "${SYNCLINE_TIDY:-changed}" = all ]; then
  exec cmake/check_tidy.py --build "$build" --all
fi
exec cmake/check_tidy.py --build "$build" --seconds "${SYNCLINE_TIDY_SECONDS:-240}"
