#pragma once
// Opens the client's store on files: verified first, where it was not closed in order.

#include "core/expected.hpp"
#include "storage/client_store.hpp"
#include "storage/kv_lmdb.hpp"
#include "syncline/options.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace syncline {

/// How far the content of an open store can be trusted.
enum class verification {
  fresh,     ///< made by this open
  clean,     ///< as an orderly close had left it
  verified,  ///< by a process of its own
  unverified ///< pages and checksums were looked at in this process, or nothing was (read only)
};

[[nodiscard]] std::string_view to_string(verification how);

struct opened_store {
  std::shared_ptr<storage::client_store> store;
  storage::lmdb_environment* files = nullptr; ///< beneath `store`, and lives as long
  verification how = verification::fresh;
};

/// Errors: those of `runtime::open` about the store.
[[nodiscard]] core::expected<opened_store> open_client_store(const options& how);

/// Runs `program store check directory` and waits for it: an error where it found one or died.
[[nodiscard]] core::expected<void> check_in_process(const std::string& program,
                                                    const std::string& directory);

} // namespace syncline
