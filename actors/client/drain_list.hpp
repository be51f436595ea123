#pragma once
// Those who asked the outbox to be drained, and what they will be told.

#include "actors/message_types.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace syncline::actors::client {

/// One report for all who wait at the same time. Belongs to one actor.
class drain_list {
public:
  using promise = caf::typed_response_promise<msg::DrainReport>;

  drain_list() = default;
  drain_list(const drain_list&) = delete;
  drain_list& operator=(const drain_list&) = delete;
  // 0.17.6 never answers a promise that dies with its actor.
  ~drain_list() {
    report_.mutable_error()->set_code("stopped");
    finish();
  }

  /// The first one of those who wait begins a new report.
  /// @param attempts_max failures after which it is told, 0 = it waits for as long as it takes
  void add(promise reply, std::uint32_t attempts_max) {
    if (waiting_.empty())
      report_ = {};
    waiting_.push_back({std::move(reply), attempts_max, 0});
  }

  [[nodiscard]] bool empty() const {
    return waiting_.empty();
  }

  msg::DrainReport& report() {
    return report_;
  }

  /// A failure was noted in the report; those who have seen enough of them are told.
  void end_impatient() {
    std::vector<drain> patient;
    patient.reserve(waiting_.size());
    for (auto& each : waiting_) {
      if (each.attempts_max == 0 || ++each.failures < each.attempts_max)
        patient.push_back(std::move(each));
      else
        each.reply.deliver(msg::DrainReport{report_});
    }
    waiting_ = std::move(patient);
  }

  /// Tells everybody.
  void finish() {
    for (auto& each : waiting_)
      each.reply.deliver(msg::DrainReport{report_});
    waiting_.clear();
  }

private:
  struct drain {
    promise reply;
    std::uint32_t attempts_max = 0;
    std::uint32_t failures = 0;
  };

  msg::DrainReport report_;
  std::vector<drain> waiting_;
};

} // namespace syncline::actors::client
