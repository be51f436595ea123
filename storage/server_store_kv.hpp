#pragma once
// The server's store on a key-value environment (LMDB, or memory in the simulation).

#include "storage/kv.hpp"
#include "storage/server_store.hpp"

#include <functional>
#include <memory>

namespace syncline::storage {

/// Newest schema that this code writes; a store of a newer one is refused, untouched.
inline constexpr std::uint32_t server_schema = 1;

/// Bugs that can be planted at run time, to prove that the simulation finds them. All off, always,
/// outside of it.
struct server_canaries {
  bool forgets_results_at_start = false; ///< deduplication is lost on restart
  bool draws_seq_outside = false;        ///< the sequence moves on before the transaction commits
};

struct server_store_options {
  std::function<std::uint64_t()> random;
  std::int64_t now_ms = 0; ///< wall clock at the start
  bool new_epoch = false;  ///< set by the tool that restores a backup
  server_canaries canaries;
};

/// Opens over tables `server_tables()` and records this start. Errors: `store_newer`,
/// `store_corrupt` and those of the environment.
[[nodiscard]] core::expected<std::unique_ptr<server_store>>
open_server_store(std::shared_ptr<kv_environment> kv, const server_store_options& options);

} // namespace syncline::storage
