#pragma once
// The floor: LMDB itself, as plainly as it can be used with the same durability.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

struct MDB_env;
struct MDB_txn;

namespace syncline::bench {

/// One environment with one table, or with several named ones. Any failure ends the program.
class raw_lmdb {
public:
  explicit raw_lmdb(const std::filesystem::path& directory, std::size_t tables = 1);
  raw_lmdb(const raw_lmdb&) = delete;
  raw_lmdb& operator=(const raw_lmdb&) = delete;
  ~raw_lmdb();

  void begin();
  /// With the same checksum in front of the value that our records have.
  void put(std::string_view key, std::string_view payload, std::size_t table = 0);
  /// Written and fsynced when it returns.
  void commit();

  void begin_reading();
  /// A view into the map; empty where there is nothing.
  [[nodiscard]] std::string_view get(std::string_view key) const;
  void end_reading();

private:
  MDB_env* environment_ = nullptr;
  MDB_txn* writing_ = nullptr;
  MDB_txn* reading_ = nullptr;
  std::vector<unsigned> tables_;
  std::string sealed_;
};

} // namespace syncline::bench
