#pragma once
// What there is to measure; each has a file of its own.

#include "bench/support.hpp"

namespace syncline::bench {

void register_first_sync(const settings& how);   // W1
void register_push(const settings& how);         // W2
void register_live(const settings& how);         // W3
void register_texts(const settings& how);        // W4a, W4b, W4d
void register_documents(const settings& how);    // W4a, W4c, W4d on a server
void register_local_writes(const settings& how); // W5a, W5b
void register_local_reads(const settings& how);  // W5c
void register_open(const settings& how);         // W6
void register_delta_bytes(const settings& how);  // W7
void register_messages(const settings& how);     // W8

/// Sizes of stores: the last one is left out unless it is asked for.
[[nodiscard]] inline std::vector<std::size_t> sizes(const settings& how) {
  std::vector<std::size_t> all{10'000, 100'000};
  if (how.large)
    all.push_back(1'000'000);
  return all;
}

} // namespace syncline::bench
