#pragma once
// What the outbox sends next, and what it has asked storage for.

#include "client_storage.pb.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

namespace syncline::actors::client {

/// Batches that are frozen and not sent yet, oldest first. Belongs to one actor. Storage is asked
/// for more of them under a number, so that an answer which is no longer meant is known.
class frozen_batches {
public:
  /// The number of a new question; there is one at a time.
  std::uint64_t ask() {
    is_asked_ = true;
    return ++asked_;
  }
  [[nodiscard]] bool is_asked() const {
    return is_asked_;
  }

  /// Storage answered the question, with batches or a failure. False: it is no longer meant.
  bool end_question(std::uint64_t asked) {
    if (asked != asked_)
      return false;
    is_asked_ = false;
    return true;
  }

  void add(msg::OutboxBatch& batch) {
    if (!batch.request().mutations().empty())
      batches_.emplace_back().Swap(batch.mutable_request());
    for (auto& following : *batch.mutable_following())
      batches_.emplace_back().Swap(&following);
    more_waits_ = batch.more();
  }

  /// They stay frozen in the store, and are taken again when their turn comes.
  void drop() {
    ++asked_;
    is_asked_ = false;
    batches_.clear();
  }

  msg::BatchRequest pop() {
    auto oldest = std::move(batches_.front());
    batches_.pop_front();
    return oldest;
  }

  [[nodiscard]] bool empty() const {
    return batches_.empty();
  }
  [[nodiscard]] std::size_t size() const {
    return batches_.size();
  }
  [[nodiscard]] const msg::BatchRequest& newest() const {
    return batches_.back();
  }
  /// The outbox holds more than what is sent and frozen.
  [[nodiscard]] bool more_waits() const {
    return more_waits_;
  }

private:
  std::deque<msg::BatchRequest> batches_;
  std::uint64_t asked_ = 0;
  bool is_asked_ = false;
  bool more_waits_ = false;
};

} // namespace syncline::actors::client
