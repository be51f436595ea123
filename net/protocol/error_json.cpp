#include "net/protocol/error_json.hpp"

#include "core/data/json.hpp"
#include "net/protocol/item_json.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace syncline::net {

namespace {

using named_status = std::pair<std::string_view, int>;

/// Sorted by code. What a prefix decides is not here.
constexpr std::array statuses = {
  named_status{"client_retired", 409},
  named_status{"cursor_expired", 410},
  named_status{"disk_full", 503},
  named_status{"duplicate_key", 400},
  named_status{"expectation_failed", 417},
  named_status{"forbidden", 403},
  named_status{"foreign_origin", 403},
  named_status{"head_too_large", 431},
  named_status{"idempotency_mismatch", 409},
  named_status{"internal", 500},
  named_status{"method_not_allowed", 405},
  named_status{"mutation_gap", 409},
  named_status{"not_a_number", 400},
  named_status{"not_an_object", 400},
  named_status{"not_found", 404},
  named_status{"not_ready", 503},
  named_status{"number_out_of_range", 400},
  named_status{"number_overflow", 400},
  named_status{"overloaded", 503},
  named_status{"request_timeout", 408},
  named_status{"reserved_name", 400},
  named_status{"server_restarted", 409},
  named_status{"stopped", 503},
  named_status{"too_deep", 400},
  named_status{"too_large", 413},
  named_status{"too_many", 413},
  named_status{"too_many_readers", 503},
  named_status{"too_many_requests", 429},
  named_status{"unauthorized", 401},
  named_status{"unknown_route", 404},
  named_status{"unsupported_http_version", 505},
  named_status{"unsupported_media_type", 415},
  named_status{"unsupported_transfer_encoding", 501},
  named_status{"upgrade_required", 426},
  named_status{"uri_too_long", 414},
  named_status{"websocket_version", 426},
};

static_assert(std::is_sorted(statuses.begin(), statuses.end()));

void append_separator(std::string& out, bool& first) {
  out += first ? ",\"details\":{" : ",";
  first = false;
}

} // namespace

std::string error_json(const msg::ErrorReply& error) {
  std::string out = "{\"error\":{\"code\":";
  core::append_json_string(out, error.code());
  out += ",\"message\":";
  core::append_json_string(out, error.message());
  bool first = true;
  if (!error.reason().empty()) {
    append_separator(out, first);
    out += "\"reason\":";
    core::append_json_string(out, error.reason());
  }
  if (error.expected() != 0) {
    append_separator(out, first);
    out += "\"expected\":";
    append_number(out, std::uint64_t{error.expected()});
  }
  if (error.start() != 0) {
    append_separator(out, first);
    out += "\"start\":";
    append_hex64(out, error.start());
  }
  if (error.epoch() != 0) {
    append_separator(out, first);
    out += "\"epoch\":";
    append_hex64(out, error.epoch());
  }
  out += first ? "}}" : "}}}";
  return out;
}

std::string error_json(const core::error& error) {
  msg::ErrorReply reply;
  reply.set_code(error.code);
  reply.set_message(error.message);
  return error_json(reply);
}

int http_status_of(std::string_view error_code) noexcept {
  const auto found = std::lower_bound(
    statuses.begin(), statuses.end(), error_code,
    [](const named_status& entry, std::string_view code) { return entry.first < code; });
  if (found != statuses.end() && found->first == error_code)
    return found->second;
  if (error_code.starts_with("bad_") || error_code.starts_with("invalid_"))
    return 400;
  if (error_code.starts_with("store_"))
    return 503;
  return 500;
}

} // namespace syncline::net
