#pragma once
// Pages out of a snapshot; private to the key-value server store.

#include "storage/server_history.hpp"
#include "storage/server_store.hpp"

namespace syncline::storage {

[[nodiscard]] delta_output read_delta(const record_reader& records, const start_register& starts,
                                      const delta_query& query);

[[nodiscard]] head_cursor read_head(const record_reader& records, const start_register& starts,
                                    const std::string& space, const std::string& collection,
                                    bool plain);

[[nodiscard]] updates_answer read_updates(const record_reader& records, const updates_query& query);

} // namespace syncline::storage
