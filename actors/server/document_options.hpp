#pragma once

#include <cstdint>

namespace syncline::actors::server {

/// How documents that are in use are kept. Milliseconds where it says `_ms`.
struct document_options {
  /// Until then a client that may be plain can say what it is.
  std::int64_t silence_ms = 200;
  std::int64_t caret_ms = 50;         ///< carets are sent at most so often
  std::int64_t caret_look_ms = 5'000; ///< those that nobody refreshes are looked for
  std::int64_t idle_ms = 60'000;
  std::uint64_t snapshot_every = 256; ///< operations
  std::uint64_t log_kept = 50'000;    ///< operations
  std::uint64_t log_opened = 1'000;   ///< operations that are loaded before anybody asks for more
};

} // namespace syncline::actors::server
