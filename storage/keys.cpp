#include "storage/keys.hpp"

#include "core/data/utf8.hpp"

namespace syncline::storage {

const std::vector<std::string>& client_tables() {
  static const std::vector<std::string> names{
    "meta",       "cursors", "base",      "overlay",          "outbox", "acknowledged", "conflicts",
    "quarantine", "idmap",   "documents", "document_pending", "jobs",   "changes"};
  return names;
}

const std::vector<std::string>& server_tables() {
  static const std::vector<std::string> names{"meta",
                                              "starts",
                                              "spaces",
                                              "collections",
                                              "items",
                                              "births",
                                              "change_index",
                                              "clients",
                                              "results",
                                              "idempotency",
                                              "documents",
                                              "document_log",
                                              "document_snapshots",
                                              "document_clients"};
  return names;
}

std::uint64_t trailing_number(std::string_view key) {
  core::ensure(key.size() >= 8, "the key ends in a number");
  std::uint64_t value = 0;
  for (const char byte : key.substr(key.size() - 8))
    value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

std::string describe_key(std::string_view key) {
  constexpr std::string_view digits = "0123456789abcdef";
  const bool is_text = core::is_valid_utf8(key);
  std::string text;
  for (const char byte : key) {
    const auto code = static_cast<unsigned char>(byte);
    if (code == 0) {
      text += '/';
    } else if (code < 0x20 || code == 0x7f || (code >= 0x80 && !is_text)) {
      text += "\\x";
      text += digits[code >> 4];
      text += digits[code & 15];
    } else {
      text += byte;
    }
  }
  return text;
}

} // namespace syncline::storage
