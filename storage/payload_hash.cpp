#include "storage/payload_hash.hpp"

#include "core/sync/mutation.hpp"
#include "storage/keys.hpp"

#include <openssl/sha.h>
#include <xxhash.h>

namespace syncline::storage {

namespace {

// The lower half of `bits`.
char hex_digit(std::uint64_t bits) {
  constexpr std::string_view digits = "0123456789abcdef";
  return digits[bits & 15U];
}

} // namespace

std::string sha256(std::string_view bytes) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

std::string payload_hash(const msg::Mutation& mutation) {
  return sha256(core::payload_bytes(mutation));
}

std::string batch_key(const msg::BatchRequest& batch) {
  std::string bytes = batch.client();
  for (const auto& mutation : batch.mutations()) {
    const auto id = number_key(mutation.mutation_id());
    bytes.append(id.view()).append(mutation.payload_hash());
  }
  std::string key;
  for (const char byte : sha256(bytes).substr(0, 16)) {
    key += hex_digit(static_cast<unsigned char>(byte) >> 4U);
    key += hex_digit(static_cast<unsigned char>(byte));
  }
  return key;
}

std::string new_client_id(std::uint64_t random_a, std::uint64_t random_b) {
  std::string id;
  id.reserve(32);
  for (std::uint64_t word : {random_a, random_b})
    for (int i = 0; i < 16; ++i, word >>= 4)
      id += hex_digit(word);
  return id;
}

std::uint64_t client_tag(std::string_view client_id) {
  return XXH3_64bits(client_id.data(), client_id.size());
}

} // namespace syncline::storage
