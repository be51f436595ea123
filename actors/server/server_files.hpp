#pragma once
// The files of the server's store, opened with the care that their last close asks for.

#include "actors/server/server.hpp"
#include "storage/kv_lmdb.hpp"

#include <memory>
#include <string>

namespace syncline::actors::server {

struct open_files {
  std::shared_ptr<storage::lmdb_environment> files;
  std::string how; ///< new, clean, verified or unverified
};

/// Errors: those of opening a store and of `options.verify`.
[[nodiscard]] core::expected<open_files> open_store_files(const server_options& options);

} // namespace syncline::actors::server
