#pragma once
// What a client says to its server, and how it reads the answers: our own protocol, or the plain
// JSON routes of a server that is none of ours. Pure; any thread.

#include "net/protocol/client_codec.hpp"

#include <memory>
#include <optional>

namespace syncline::net {

class client_protocol {
public:
  virtual ~client_protocol() = default;

  /// Nothing: there is nothing in the batch that this server has to hear of; `read_batch` then
  /// answers it without a reply.
  [[nodiscard]] virtual std::optional<msg::HttpRequest>
  batch_request(const msg::BatchRequest& batch, std::uint32_t timeout_ms) const = 0;
  [[nodiscard]] virtual batch_reply read_batch(const msg::BatchRequest& batch,
                                               const msg::HttpReply& reply,
                                               std::int64_t now_ms) const = 0;

  [[nodiscard]] virtual msg::HttpRequest delta_request(const std::string& collection,
                                                       const msg::PullState& state,
                                                       std::uint32_t limit, const std::string& etag,
                                                       std::uint32_t timeout_ms) const = 0;
  /// Nothing that is not a whole, consistent page for `collection` and `cursor` is `ok`.
  [[nodiscard]] virtual delta_reply read_delta(const msg::HttpReply& reply,
                                               const std::string& collection,
                                               const std::string& cursor,
                                               std::int64_t now_ms) const = 0;

  /// The server is none of ours: it names the items itself, and a batch that may have arrived must
  /// be sent again as it was.
  [[nodiscard]] virtual bool is_foreign() const = 0;
};

/// protobuf over `/delta` and `/batch-sync`; see client_codec.hpp.
[[nodiscard]] std::shared_ptr<const client_protocol> own_protocol();

/// How a foreign server is asked for what is new.
enum class foreign_pull {
  delta, ///< `/delta`, by the server's cursor
  since  ///< `/updates?since=`, by the server's clock: weaker
};

/// The plain JSON routes (PROTOCOL.md sections 2 to 4): no mutation ids, an `Idempotency-Key` a
/// batch, versions in the place of stamps. Pages have the server's ids.
[[nodiscard]] std::shared_ptr<const client_protocol> json_protocol(foreign_pull pull);

} // namespace syncline::net
