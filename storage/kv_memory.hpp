#pragma once
// The key-value layer in memory, for tests and the simulation: same seam, with faults on demand
// and with the images that a crash could leave. Deterministic. For one thread at a time; several
// snapshots may be open beside the one writer.
//
// Tables are ordered maps behind shared pointers. A snapshot holds the pointers; the writer copies
// a table only if a snapshot or an image holds it too, and otherwise changes it in place and keeps
// what it replaced, so that an abort, a snapshot begun meanwhile and a crash can go back.

#include "storage/kv.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace syncline::storage {

/// One table in key order: `std::string` compares bytes as unsigned.
using memory_table = std::map<std::string, std::string, std::less<>>;

/// A committed state. Cheap to copy; nothing changes it afterwards.
struct kv_memory_image {
  std::vector<std::shared_ptr<memory_table>> tables;
  std::uint64_t bytes = 0; ///< of all keys and values
  std::uint64_t transaction = 0;
};

/// How to make a store in memory.
struct memory_options {
  std::vector<std::string> tables;
  durability durable = durability::full;
  /// Bytes of keys and values, as the map of a store on files.
  std::uint64_t bytes_max = std::uint64_t{16} << 30;
  std::uint32_t readers_max = 1024;
};

/// What becomes of a transaction whose commit was made to fail.
enum class failed_commit {
  lost,   ///< nothing of it is in the store
  applied ///< all of it is there, which shows once the store is opened again
};

namespace memory {
struct store_state;
} // namespace memory

/// A store in memory. Snapshots keep what they need alive.
class memory_environment final : public kv_environment {
public:
  explicit memory_environment(memory_options options);
  /// Opens what another one left; tables that the image lacks are empty.
  memory_environment(memory_options options, const kv_memory_image& image);
  ~memory_environment() override;

  /// Throws `too_many_readers`, and `store_io` after a commit with an unknown outcome.
  [[nodiscard]] std::unique_ptr<kv_reader> begin_read() override;
  /// As `begin_read`. A second one beside an open one is a broken invariant: it would wait for
  /// ever.
  [[nodiscard]] std::unique_ptr<kv_writer> begin_write() override;
  [[nodiscard]] kv_usage usage() override;
  std::uint64_t clear_stale_readers() override;

  /// The last committed state, an open write transaction not counted.
  [[nodiscard]] kv_memory_image image() const;
  /// What a power loss now could leave. `full`: the last commit. `consistent`: the last or, by an
  /// odd `choice`, the one before. `process`: any since the last `sync`, by `choice` modulo their
  /// number (0 = the last); older ones than `unsynced_max` count as written back.
  [[nodiscard]] kv_memory_image crash_image(std::uint64_t choice) const;
  /// How many images `crash_image` chooses from.
  [[nodiscard]] std::uint64_t crash_choices() const;
  static constexpr std::size_t unsynced_max = 256;

  /// Makes all commits durable.
  void sync();
  /// The next commit throws `code`. After `store_io` the store has to be opened again, from an
  /// image; other codes mean that nothing was stored, so `applied` goes with `store_io` only.
  /// An empty code takes it back.
  void fail_next_commit(std::string code, failed_commit outcome = failed_commit::lost);
  /// Puts that would grow the store beyond throw `store_full`; erasing goes on.
  void limit_bytes(std::uint64_t bytes_max);
  /// Open snapshots throw `snapshot_expired` at their next use.
  void expire_snapshots();

private:
  std::shared_ptr<memory::store_state> state_;
};

} // namespace syncline::storage
