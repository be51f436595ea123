#pragma once
// Reads the store's feed of changes in the form that hosts see.

#include "storage/client_store.hpp"
#include "syncline/types.hpp"

#include <cstdint>

namespace syncline {

/// Up to `limit` changes after `after_seq`; `kept` of the last numbers are sure to be there. Where
/// changes in between may be gone, one `resync` takes their place.
[[nodiscard]] result<change_page> read_changes(const storage::client_store& store,
                                               std::uint64_t kept, std::uint64_t after_seq,
                                               std::size_t limit);

} // namespace syncline
