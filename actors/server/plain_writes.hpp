#pragma once
// The writes of one plain client over its WebSocket. Pure: no actor, no socket.

#include "actors.pb.h"
#include "core/expected.hpp"
#include "wire.pb.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <vector>

namespace syncline::actors::server {

/// Collects what a client writes while its last writes are carried out, so that a fast one shares a
/// commit with itself. Answers come in the order of the messages, those to bad ones too.
class plain_writes {
public:
  explicit plain_writes(std::string collection) : collection_{std::move(collection)} {}

  /// A message as it was received.
  void add(const std::string& message);

  [[nodiscard]] bool empty() const {
    return waiting_.empty();
  }
  /// Whether nothing more is to be read from the client until some of it is carried out.
  [[nodiscard]] bool is_full() const {
    return waiting_.size() >= waiting_max || waiting_bytes_ >= waiting_bytes_max;
  }

  /// All that waits, as one batch; it may be without a mutation.
  [[nodiscard]] msg::ApplyBatch take(const std::string& space);

  /// What the client is answered to the batch taken last: frames for the wire. `known_seq`: all up
  /// to there was sent to it, so a patch on that is its own alone; one on anything later has
  /// others' fields in it that it has to hear of.
  [[nodiscard]] std::string answers(const core::expected<msg::BatchApplied>& outcome,
                                    std::uint64_t known_seq);

  /// Takes out of a page what was written here: the writer has its answer, and does not hear of the
  /// same change again.
  void drop_own(msg::DeltaPage& page);

private:
  static constexpr std::size_t waiting_max = 64;
  static constexpr std::size_t waiting_bytes_max = std::size_t{1} << 20;

  struct write {
    std::string id;
    msg::Mutation mutation;
    core::error error; ///< of a message that is none; its code is empty otherwise
  };

  std::string collection_;
  std::deque<write> waiting_;
  std::deque<write> under_way_;
  std::size_t waiting_bytes_ = 0;
  std::set<std::uint64_t> own_seqs_; // of changes that no page has passed, and nobody else's
};

} // namespace syncline::actors::server
