#pragma once
// What all benchmarks share: where data lies, what an item looks like, what memory and time a
// process takes.

#include "syncline/result.hpp"

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace syncline::bench {

/// How much is measured.
struct settings {
  bool large = false; ///< also one million items
};

/// Ends the program: a benchmark that went wrong has no figure to show.
[[noreturn]] void fail(const std::string& what);

template <class T>
T value_or_fail(result<T> outcome) {
  if (!outcome)
    fail(outcome.error().code + ": " + outcome.error().message);
  return std::move(*outcome);
}
void check_done(const result<void>& outcome);

/// A directory of its own on a real disk, removed afterwards: below `$SYNCLINE_BENCH_DIR`, else
/// below `data` beside the folder of this program. On tmpfs an fsync costs nothing, so that is
/// refused.
class data_directory {
public:
  data_directory();
  data_directory(const data_directory&) = delete;
  data_directory& operator=(const data_directory&) = delete;
  ~data_directory();
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
    return path_ / name;
  }

private:
  std::filesystem::path path_;
};

/// Where data directories are made, and the type of that file system.
[[nodiscard]] std::filesystem::path data_root();
[[nodiscard]] std::string file_system_name();

/// This program's own file.
[[nodiscard]] std::filesystem::path own_program();

/// How ids are made. UUIDs of version 7 rise, random ones touch a page of the store each; `counted`
/// ones are short and are what the peers use.
enum class id_kind { uuid7, random, counted };
[[nodiscard]] std::string to_string(id_kind kind);
[[nodiscard]] id_kind id_kind_of(const std::string& name);

/// The same ids each time for the same kind, count and seed.
[[nodiscard]] std::vector<std::string> make_ids(id_kind kind, std::size_t count,
                                                std::uint64_t seed = 1);

/// JSON of an item in its `version`-th edit: 185 bytes, or 164 of the peers' items, whose id counts
/// as part of the 185.
[[nodiscard]] std::string make_body(std::size_t index, int version, id_kind kind);

/// Anonymous memory of a process, in bytes; of this one where no process is named.
[[nodiscard]] std::uint64_t anonymous_bytes(int process = 0);
/// Processor time of a process so far, user and system.
[[nodiscard]] double processor_seconds(int process = 0);

class stopwatch {
public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  }

private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

/// The middle of the values; they come back in order.
[[nodiscard]] double median(std::vector<double>& values);

/// The disk's fdatasync at this moment, in microseconds: the middle of 100 of 4 KiB.
[[nodiscard]] double fdatasync_p50_us();

/// What stands beside every durable figure, since an fsync takes many times longer on a busy
/// machine.
void show_calibration(benchmark::State& state);

} // namespace syncline::bench
