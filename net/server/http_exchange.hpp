#pragma once
// One HTTP/1.1 exchange without I/O: bytes in, a request or a refusal out; a reply in, bytes out.
// Private to the server.

#include "http.pb.h"
#include "net/compression.hpp"
#include "net/protocol/chunked_body.hpp"
#include "net/protocol/request_head.hpp"
#include "net/server/http_server.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace syncline::net {

/// What the reply's form depends on. Copied into the responder, which may outlive the connection.
struct reply_terms {
  bool keep_alive = true;
  bool http_1_0 = false;
  bool head_only = false; // the request was HEAD
  content_coding coding = content_coding::identity;
};

/// A reply ready to be sent: `head` then `body`, in one write.
struct wire_reply {
  std::string head;
  std::string body;
  bool close = false;
};

/// The reply that refuses a request: `{"error":{"code","message"}}`, then close.
[[nodiscard]] wire_reply refusal_reply(const head_refusal& refusal);

/// Serialises `reply`; compresses its body where the terms and `compress_above` allow.
/// `unix_seconds` gives the Date.
[[nodiscard]] wire_reply serialise_reply(const reply_terms& terms, msg::HttpReply reply,
                                         std::size_t compress_above, std::int64_t unix_seconds);

/// Reads one request. Not synchronised.
//
//  head --blank line--> body --last byte--> ready          refused: from head and body, for good
//    '-----no body-----------------------^
class request_reader {
public:
  enum class stage { head, body, ready, refused };

  explicit request_reader(const http_server::options& settings) : settings_{&settings} {}

  /// Takes bytes from the front of `bytes` until the request is whole; the rest belongs to the
  /// next request. Calling it again after `ready` or `refused` takes nothing.
  stage feed(std::string_view& bytes);

  [[nodiscard]] stage where() const {
    return stage_;
  }
  /// Whether any byte of this request has arrived.
  [[nodiscard]] bool begun() const {
    return stage_ != stage::head || !head_bytes_.empty();
  }
  /// Encoded bytes of the body so far.
  [[nodiscard]] std::size_t body_bytes() const {
    return body_bytes_;
  }
  /// True once, where the client waits for `100 Continue` before it sends its body.
  [[nodiscard]] bool take_continue();
  /// Only in `ready`: moves the request out and makes the reader ready for the next one.
  [[nodiscard]] msg::HttpRequest take_request(reply_terms& terms);
  /// Only in `refused`.
  [[nodiscard]] const head_refusal& refusal() const {
    return refusal_;
  }

private:
  [[nodiscard]] bool take_head(std::string_view& bytes);
  [[nodiscard]] bool accept_head(request_head head);
  [[nodiscard]] bool begin_body(const request_head& head, content_coding coding);
  [[nodiscard]] bool take_body(std::string_view& bytes);
  [[nodiscard]] bool take_chunks(std::string_view& bytes);
  [[nodiscard]] bool decode(std::string_view piece);
  [[nodiscard]] bool finish_body();
  bool refuse(head_refusal refusal);
  bool refuse(const core::error& failure);

  const http_server::options* settings_;
  stage stage_ = stage::head;
  std::string head_bytes_; // of a head that came in pieces
  std::size_t head_scanned_ = 0;
  msg::HttpRequest request_;
  reply_terms terms_;
  std::optional<streaming_decoder> decoder_;
  std::optional<chunked_decoder> chunks_;
  std::string chunk_bytes_;
  std::uint64_t body_left_ = 0; // with Content-Length
  std::size_t body_bytes_ = 0;
  bool continue_wanted_ = false;
  head_refusal refusal_;
};

} // namespace syncline::net
