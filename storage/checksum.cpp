#include "storage/checksum.hpp"

#include "core/ensure.hpp"

// Inlined, because most payloads are short and the call would cost as much as the hash.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <cstdint>

namespace syncline::storage {

namespace {

// The key's hash seeds the payload's: one pass over each, no copy, and no way to shift bytes from
// the end of the key to the front of the payload without being noticed.
std::uint64_t checksum(std::string_view key, std::string_view payload) {
  const std::uint64_t seed = XXH3_64bits(key.data(), key.size());
  return XXH3_64bits_withSeed(payload.data(), payload.size(), seed);
}

std::array<char, seal_bytes> to_little_endian(std::uint64_t sum) {
  std::array<char, seal_bytes> bytes{};
  for (std::size_t index = 0; index < bytes.size(); ++index)
    bytes[index] = static_cast<char>(static_cast<unsigned char>(sum >> (8 * index)));
  return bytes;
}

} // namespace

std::string seal(std::string_view key, std::string_view payload) {
  std::string out;
  seal_into(out, key, payload);
  return out;
}

void seal_into(std::string& out, std::string_view key, std::string_view payload) {
  const auto sum = to_little_endian(checksum(key, payload));
  out.clear();
  out.reserve(seal_bytes + payload.size());
  out.append(sum.data(), sum.size());
  out.append(payload);
}

void begin_seal(std::string& out) {
  out.assign(seal_bytes, '\0');
}

void finish_seal(std::string& out, std::string_view key) {
  core::ensure(out.size() >= seal_bytes, "a sealed buffer has room for its checksum");
  const auto sum = to_little_endian(checksum(key, std::string_view{out}.substr(seal_bytes)));
  out.replace(0, seal_bytes, sum.data(), sum.size());
}

std::optional<std::string_view> unseal(std::string_view key, std::string_view stored) {
  if (stored.size() < seal_bytes)
    return std::nullopt;
  const std::string_view payload = stored.substr(seal_bytes);
  const auto sum = to_little_endian(checksum(key, payload));
  if (std::string_view{sum.data(), sum.size()} != stored.substr(0, seal_bytes))
    return std::nullopt;
  return payload;
}

} // namespace syncline::storage
