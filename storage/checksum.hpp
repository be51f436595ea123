#pragma once
// Framing of every stored record: XXH3-64 over key and payload, 8 bytes little-endian, then the
// payload. LMDB has no checksums of its own, so a flipped bit would be served as data. The key is
// part of the sum: a record that turns up under another key is damage too.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace syncline::storage {

/// Bytes in front of each stored payload.
inline constexpr std::size_t seal_bytes = 8;

/// The stored form of `payload` under `key`.
[[nodiscard]] std::string seal(std::string_view key, std::string_view payload);

/// As `seal`, into a buffer that the caller reuses: no allocation once it has grown. What was in
/// `out` is replaced. `payload` may not point into `out`.
void seal_into(std::string& out, std::string_view key, std::string_view payload);

/// For records built in place: empties `out` and leaves room for the checksum. Append the payload,
/// then call `finish_seal`.
void begin_seal(std::string& out);

/// Writes the checksum over the room that `begin_seal` left. A buffer shorter than that room is a
/// broken invariant.
void finish_seal(std::string& out, std::string_view key);

/// The payload, as a view into `stored`, or nothing when the checksum does not hold. The caller
/// reports that as `store_corrupt`, naming table and key.
[[nodiscard]] std::optional<std::string_view> unseal(std::string_view key, std::string_view stored);

} // namespace syncline::storage
