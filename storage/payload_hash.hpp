#pragma once
// SHA-256 of a mutation, and client ids.

#include "mutation.pb.h"
#include "wire.pb.h"

#include <cstdint>
#include <string>

namespace syncline::storage {

/// SHA-256 (FIPS 180-4) over `core::payload_bytes`; 32 bytes.
[[nodiscard]] std::string payload_hash(const msg::Mutation& mutation);
[[nodiscard]] std::string sha256(std::string_view bytes);

/// Names a batch to a foreign server: 32 hexadecimal digits of a SHA-256 over its client and its
/// frozen mutations. The same batch has the same key, after a crash too; no other one has it.
[[nodiscard]] std::string batch_key(const msg::BatchRequest& batch);

/// 32 hexadecimal digits.
[[nodiscard]] std::string new_client_id(std::uint64_t random_a, std::uint64_t random_b);

/// Stands for a client id where a fixed width is needed; breaks ties, proves nothing.
[[nodiscard]] std::uint64_t client_tag(std::string_view client_id);

} // namespace syncline::storage
