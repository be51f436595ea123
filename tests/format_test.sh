#!/usr/bin/env bash
# Every C++ file stands as clang-format 14 would put it (.clang-format). Exit 77 =
# skipped. Mend with: clang-format -i FILE
set -u
cd "$(dirname "$0")/.." || exit 1

tool=$(command -v clang-format-14 || command -v clang-format) || {
  echo "SKIPPED: clang-format is not installed"
  exit 77
}
case $("$tool" --version) in
  *"version 14."*) ;;
  *)
    echo "SKIPPED: other versions than clang-format 14 format otherwise"
    exit 77
    ;;
esac

# The rule must be able to fail: a badly placed brace has to be found.
printf 'int  f( ) { return 1 ;}\n' | "$tool" --assume-filename=core/a.cpp --dry-run --Werror \
  >/dev/null 2>&1 && {
  echo "self-test: a badly formatted function was not found"
  exit 1
}

folders=()
for folder in core storage net actors runtime apps tests bench examples cmake; do
  [ -d "$folder" ] && folders+=("$folder")
done
find "${folders[@]}" \
  \( -name '*.cpp' -o -name '*.hpp' -o -name '*.h' \) -print0 |
  xargs -0 --no-run-if-empty "$tool" --dry-run --Werror
