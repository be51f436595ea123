# Every library from outside, as an imported target. Their headers live in system directories, so
# no warning of theirs reaches our flags.

find_package(Threads REQUIRED)
find_package(Protobuf REQUIRED)
find_package(CURL REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_package(CAF REQUIRED)
find_package(LMDB REQUIRED)
find_package(simdjson REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(prometheus-cpp REQUIRED COMPONENTS core)

find_package(PkgConfig REQUIRED)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET GLOBAL libxxhash)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET GLOBAL libzstd)
# Without it there is no D-Bus and no readiness message; the sensors then take power and network
# as good.
pkg_check_modules(SYSTEMD IMPORTED_TARGET GLOBAL libsystemd)

find_path(TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h REQUIRED)
find_path(UTF8CPP_INCLUDE_DIR NAMES utf8.h PATH_SUFFIXES utf8cpp REQUIRED)
