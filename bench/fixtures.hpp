#pragma once
// Servers with items and stores that have pulled them: made once a run, since a million of them
// take minutes.

#include "bench/child_process.hpp"
#include "bench/support.hpp"
#include "syncline/options.hpp"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

namespace syncline::bench {

inline constexpr const char* collection = "items";

/// A running server that has `count` items with ids of one kind.
class seeded_server {
public:
  seeded_server(std::size_t count, id_kind kind);
  [[nodiscard]] const std::string& url() const {
    return server_->url();
  }
  [[nodiscard]] int process() const {
    return server_->id();
  }

private:
  data_directory directory_;
  std::unique_ptr<server_process> server_;
};

/// The one of this run; made at the first call.
[[nodiscard]] seeded_server& server_with(std::size_t count, id_kind kind);

/// Ends all servers and removes their data and the stores: before the program ends.
void drop_fixtures();

/// A store that has pulled all of `server_with` and was closed in order.
[[nodiscard]] std::filesystem::path store_with(std::size_t count, id_kind kind);

/// Fully durable, with the one collection.
[[nodiscard]] options client_options(const std::filesystem::path& store, const std::string& url);

} // namespace syncline::bench
