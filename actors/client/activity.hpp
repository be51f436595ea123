#pragma once
// What an actor with a network side shows of itself in `status`.

#include "actors.pb.h"
#include "core/expected.hpp"
#include "net/protocol/client_codec.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace syncline::actors::client {

/// An error as messages carry it.
[[nodiscard]] inline msg::Error to_error(const core::error& error) {
  msg::Error out;
  out.set_code(error.code);
  out.set_message(error.message);
  return out;
}

/// Whether an error says that the server cannot be reached at all, or that it is not ours: any
/// other request would fail in the same way.
[[nodiscard]] inline bool is_about_the_line(std::string_view code) {
  constexpr std::array codes{
    "network_unreachable", "connection_refused", "connection_cut", "timeout",   "tls_refused",
    "not_allowed",         "needs_auth",         "not_our_server", "no_server", "stopped"};
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

/// Whether what ended a live connection of one kind would end one of another kind too.
[[nodiscard]] inline bool meets_every_stream(std::string_view code) {
  // Not `server_error`: a gateway that knows no WebSockets may say so with any 5xx.
  constexpr std::array codes{"connection_refused", "network_unreachable", "tls_refused",
                             "not_allowed"};
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

/// Keeps an `Activity` up to date. Times are wall milliseconds.
class activity_log {
public:
  void enter(std::string_view state) {
    activity_.set_state(state.data(), state.size());
    activity_.set_next_attempt_ms(0);
  }
  void succeeded(std::int64_t now_ms) {
    activity_.set_last_success_ms(now_ms);
    activity_.set_failures_in_a_row(0);
  }
  void failed(const msg::Error& error, std::int64_t now_ms) {
    *activity_.mutable_last_error() = error;
    activity_.set_last_error_ms(now_ms);
    activity_.set_failures_in_a_row(activity_.failures_in_a_row() + 1);
  }
  void waits_until(std::int64_t at_ms) {
    activity_.set_next_attempt_ms(at_ms);
  }
  [[nodiscard]] const msg::Activity& show() const {
    return activity_;
  }

private:
  msg::Activity activity_;
};

/// Adds what an exchange carried to a report.
template <class Report>
void count_bytes(const msg::HttpReply& reply, Report& report) {
  report.set_bytes_sent(report.bytes_sent() + reply.bytes_sent());
  report.set_bytes_received(report.bytes_received() + reply.bytes_received());
}

/// The error of a judged reply, for reports and `status`.
[[nodiscard]] inline msg::Error error_of(const net::judged_reply& reply) {
  msg::Error error;
  const bool has_own_code = !reply.refusal.code().empty();
  error.set_code(has_own_code ? reply.refusal.code() : std::string{net::to_string(reply.kind)});
  error.set_message(reply.why);
  error.set_retryable(reply.kind == net::reply_kind::transient ||
                      reply.kind == net::reply_kind::server_error);
  return error;
}

} // namespace syncline::actors::client
