#pragma once
// Documents in the key-value server store. Private to storage/.

#include "storage/document_store.hpp"
#include "storage/kv.hpp"

#include <cstdint>
#include <memory>

namespace syncline::storage {

/// Over tables `server_tables()`; `epoch` and `start` are those of the store that it belongs to.
[[nodiscard]] std::unique_ptr<document_store>
make_document_store(std::shared_ptr<kv_environment> kv, std::uint64_t epoch, std::uint64_t start);

} // namespace syncline::storage
