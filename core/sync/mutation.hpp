#pragma once
// What a mutation does to a body, and how two waiting ones become one (DESIGN.md sections 3, 4).

#include "core/expected.hpp"
#include "mutation.pb.h"

#include <optional>
#include <string>
#include <string_view>

namespace syncline::core {

/// The bytes under the payload hash: every field that decides the mutation's effect, its nonce
/// included, each with its length. Identity (client, mutation id) is no part of it.
[[nodiscard]] std::string payload_bytes(const msg::Mutation& mutation);

/// An UPDATE of increments alone commutes: it ignores its base and never conflicts.
[[nodiscard]] bool is_increments_only(const msg::Mutation& mutation);

/// The body after `mutation`; nullopt = there is no item. Absolute parts (body, patch) go first,
/// increments after them. An UPDATE where there is no body is applied to `{}`: whether that is
/// allowed is the caller's question. Errors: those of merge patch and increments, `too_large` and
/// `too_deep` for the result.
[[nodiscard]] expected<std::optional<std::string>>
apply_mutation(std::optional<std::string_view> body, const msg::Mutation& mutation);

/// As above without the increments: what the writer set, not what he added.
[[nodiscard]] expected<std::optional<std::string>>
apply_without_increments(std::optional<std::string_view> body, const msg::Mutation& mutation);

/// Checks a mutation at the door, before anything is stored: ids, body and patch, and that its
/// parts fit its kind. Errors: `bad_id`, `bad_collection`, `bad_mutation` and those of
/// `validate_body`.
[[nodiscard]] expected<void> validate_mutation(const msg::Mutation& mutation);

/// Outcome of `coalesce`.
enum class coalesced {
  merged,    ///< `into` now has the effect of both
  cancelled, ///< together they have no effect; both go
  separate   ///< they must stay two
};

/// Folds `next` into the waiting `into` of the same item, if the two may become one. The nonce and
/// the base of `into` stay; but increments that become an update or a deletion take the nonce of
/// `next`. Neither may have been sent.
[[nodiscard]] expected<coalesced> coalesce(msg::Mutation& into, const msg::Mutation& next);

} // namespace syncline::core
