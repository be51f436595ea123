#pragma once
// Where a message of HTTP/1.1 ends, for test servers that pass on bytes. It trusts its peers.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace syncline::tests {

/// How one message of HTTP/1.1 ends.
struct http_framing {
  std::size_t length = 0;
  bool chunked = false;
  bool until_close = false;
  bool stream = false;
  bool interim = false;
  bool expects_continue = false;
};

/// In small letters, as far as it is ASCII.
[[nodiscard]] std::string lower(std::string_view text);

/// `head` ends with its empty line. `head_request`: the reply is one to HEAD.
[[nodiscard]] http_framing frame_of(std::string_view head, bool reply, bool head_request);

/// The size of a whole chunked body at the front of `bytes`, or nothing if more must come.
[[nodiscard]] std::optional<std::size_t> chunked_size(std::string_view bytes);

} // namespace syncline::tests
