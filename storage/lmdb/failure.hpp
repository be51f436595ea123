#pragma once
// What LMDB and the system answer, as the codes of `kv_error`. Every message carries the name of
// the call that failed, where, why, and what to do next.

#include "core/expected.hpp"
#include "storage/kv.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace syncline::storage::lmdb {

/// The code for a return value of LMDB (its own, or an errno value).
[[nodiscard]] std::string code_of(int result);

/// `result` is what `call` answered on the store at `where`.
[[nodiscard]] core::error failure_of(std::string_view call, int result,
                                     const std::filesystem::path& where);

/// Throws `kv_error` with what `failure_of` says.
[[noreturn]] void raise(std::string_view call, int result, const std::filesystem::path& where);

/// Throws unless `result` is success.
inline void require(std::string_view call, int result, const std::filesystem::path& where) {
  if (result != 0) [[unlikely]]
    raise(call, result, where);
}

/// A `store_corrupt` about the file at `where`, with what to do next.
[[nodiscard]] core::error damage(const std::filesystem::path& where, std::string_view what);

/// As a value, what was thrown inside the store.
[[nodiscard]] inline core::error as_error(const kv_error& thrown) {
  return core::error{thrown.code(), thrown.what()};
}

} // namespace syncline::storage::lmdb
