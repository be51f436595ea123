#pragma once
// Those who asked an actor to work until nothing is left to do, and what they are told.

#include "actors/client/activity.hpp"
#include "actors/message_types.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace syncline::actors::client {

/// Why a run ended before all was done.
[[nodiscard]] inline core::error run_expired() {
  return {"expired", "the time for this run was over; what is left goes on with the next one"};
}

/// `Report` is a message with an `error`. Belongs to one actor.
template <class Report>
class waiting_list {
public:
  using promise = caf::typed_response_promise<Report>;

  waiting_list() = default;
  waiting_list(const waiting_list&) = delete;
  waiting_list& operator=(const waiting_list&) = delete;
  // 0.17.6 never answers a promise that dies with its actor.
  ~waiting_list() {
    for (auto& each : waiting_)
      each.reply.deliver(rt::to_caf({"stopped", "the runtime is stopping"}));
  }

  /// @param attempts_max failures after which it is told, 0 = it waits for as long as it takes
  /// @param ticket for `ask_to_end`
  void add(promise reply, std::uint32_t attempts_max, std::uint64_t ticket) {
    waiting_.push_back({std::move(reply), attempts_max, 0, ticket, false});
  }
  /// Adds those who wait in another list.
  void take(waiting_list& other) {
    for (auto& each : other.waiting_)
      waiting_.push_back(std::move(each));
    other.waiting_.clear();
  }

  [[nodiscard]] bool empty() const {
    return waiting_.empty();
  }
  [[nodiscard]] std::size_t size() const {
    return waiting_.size();
  }
  /// Whether somebody waits who was not asked to end.
  [[nodiscard]] bool wants_more() const {
    return std::any_of(waiting_.begin(), waiting_.end(),
                       [](const auto& each) { return !each.ends; });
  }

  /// The one with this ticket is told at the next `end_asked`.
  void ask_to_end(std::uint64_t ticket) {
    for (auto& each : waiting_)
      each.ends = each.ends || each.ticket == ticket;
  }
  /// Tells those who were asked to end, with `expired` where the report has no error of its own;
  /// false where nobody was.
  bool end_asked(Report report) {
    if (report.error().code().empty())
      *report.mutable_error() = to_error(run_expired());
    return tell_if(report, [](const entry& each) { return each.ends; });
  }
  /// A failure is noted in the report; those who have seen enough of them are told.
  void end_impatient(const Report& report) {
    tell_if(report, [](entry& each) {
      return each.ends || (each.attempts_max != 0 && ++each.failures >= each.attempts_max);
    });
  }
  /// Tells everybody.
  void finish(const Report& report) {
    tell_if(report, [](const entry&) { return true; });
  }

private:
  struct entry {
    promise reply;
    std::uint32_t attempts_max = 0;
    std::uint32_t failures = 0;
    std::uint64_t ticket = 0;
    bool ends = false;
  };

  template <class Predicate>
  bool tell_if(const Report& report, Predicate is_told) {
    std::vector<entry> others;
    others.reserve(waiting_.size());
    bool told = false;
    for (auto& each : waiting_) {
      if (is_told(each)) {
        each.reply.deliver(Report{report});
        told = true;
      } else {
        others.push_back(std::move(each));
      }
    }
    waiting_ = std::move(others);
    return told;
  }

  std::vector<entry> waiting_;
};

} // namespace syncline::actors::client
