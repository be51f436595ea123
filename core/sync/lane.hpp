#pragma once
// A lane: everything that waits on one item, and what the user sees through it.
//
//   visible item = (base row, or the lane's own kept version where that is later)
//                + acknowledged effects that neither shows yet
//                + waiting mutations, oldest first
//
// The life of an entry:
//
//   queued --frozen into a batch--> sent --SYNCED--> acknowledged effect --base shows it--> gone
//      ^  ^                          | |
//      |  '--- decided -- refused <--' '--FAILED--> quarantined (or queued again, if retryable)
//      '----------- a later local edit coalesces into it
//
// At most one entry of a lane, the oldest, is sent. A later edit is made on the lane's base, never
// on the base row: the two differ as soon as somebody else wrote (DESIGN.md section 4).

#include "client_records.pb.h"
#include "core/data/item.hpp"
#include "core/expected.hpp"
#include "wire.pb.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace syncline::core {

/// How an item stands, for the user.
enum class sync_status { synced, pending, failed, conflict, delete_conflict };

[[nodiscard]] std::string_view to_string(sync_status status);

/// A lane record with its entries, oldest first (parallel to `record.entries()`).
struct lane {
  msg::Lane record;
  std::vector<msg::OutboxEntry> entries;

  /// Nothing waits and nothing acknowledged is unseen: what is visible is the base row.
  [[nodiscard]] bool is_idle() const {
    return entries.empty() && record.acknowledged().empty();
  }
  /// An entry of it is in flight, or frozen to be.
  [[nodiscard]] bool has_sent() const {
    return !entries.empty() && entries.front().state() == msg::SENT;
  }
};

/// What the user sees of an item.
struct visible_item {
  bool exists = false;
  item_header header; ///< of the version beneath the waiting mutations
  std::string body;
  sync_status status = sync_status::synced;
};

/// The place of a tombstone of a foreign server, whose items have versions instead of places and
/// whose tombstones have none: later than every version. Such a server names its items itself, so
/// nothing comes back under the same name.
inline constexpr std::uint64_t foreign_tombstone_seq = std::uint64_t{1} << 62;

/// Makes an empty lane stand on `base`. A lane that already holds something is left alone.
void begin_on(lane& lane, const std::optional<item_view>& base);

/// Forgets the version that the lane met: what met it waits no longer.
void forget_conflict(lane& lane);

/// Drops all that only matters while something waits, once nothing does.
void clear_if_idle(lane& lane);

[[nodiscard]] visible_item visible(const lane& lane, const std::optional<item_view>& base);

/// Drops acknowledged effects that the base row holds (at their stamp or a later one), or that a
/// page of phase `changes` which reached the head has passed. Returns their local sequences.
std::vector<std::uint64_t> settle(lane& lane, const std::optional<item_view>& base,
                                  std::uint64_t passed_seq);

/// Whether all of it was made here and the server has said nothing of the item: a walk that does
/// not find it (`meet` with no row, where there is no base row either) leaves the lane as it is.
[[nodiscard]] bool is_new_here(const msg::Lane& record);

/// Where a row was met: a page read at `head_seq`, or nothing but the row itself.
struct meeting {
  std::uint64_t head_seq = 0; ///< head at which the page was read
  bool restoring = false;     ///< first walk after a lost history: older rows count too
};

/// Outcome of a row meeting a lane.
enum class encounter {
  agrees, ///< nothing to do
  moved,  ///< the lane only adds up, or is empty: its base moved on to the row
  decide, ///< the conflict actor must decide before anything of it is sent
  wait    ///< under a sent entry: after its answer
};

/// Compares a row that a page brought (nullopt: gone, by tombstone or by absence in a range) with
/// the lane, and moves the lane where no decision is needed.
encounter meet(lane& lane, const std::optional<item_view>& row, const meeting& where);

/// What became of an answered entry.
enum class entry_fate { acknowledged, refused, requeued, quarantined, skipped };

struct answer_effect {
  entry_fate fate = entry_fate::acknowledged;
  std::uint64_t local_seq = 0; ///< of the entry
  msg::OutboxEntry entry;      ///< the one that leaves for the quarantine
  msg::Error error;
};

/// Applies the server's answer to the lane's sent entry. `original` is the quarantined mutation
/// where the entry is a SKIP whose stored result came back. `base` is the base row. A retryable
/// failure is queued again until `attempts_max`.
answer_effect answer(lane& lane, const msg::MutationResult& result,
                     const std::optional<item_view>& base, const msg::Mutation* original,
                     std::int64_t now_ms);

/// To be called when the lane's head has gone other than by an answer: the rest is compared with
/// the base row, and marked undecided where somebody else wrote meanwhile.
void compare_rest(lane& lane, const std::optional<item_view>& base);

/// The version that an undecided lane has met: what the refusal brought, or a later base row.
/// Its tombstone has `deleted`; nullopt: the server has no such item.
[[nodiscard]] std::optional<msg::Item> met_version(const lane& lane, std::string_view id,
                                                   const std::optional<item_view>& base);

} // namespace syncline::core
