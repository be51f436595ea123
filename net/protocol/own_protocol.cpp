#include "net/protocol/client_protocol.hpp"

namespace syncline::net {

namespace {

class own final : public client_protocol {
public:
  std::optional<msg::HttpRequest> batch_request(const msg::BatchRequest& batch,
                                                std::uint32_t timeout_ms) const override {
    return make_batch_request(batch, timeout_ms);
  }
  batch_reply read_batch(const msg::BatchRequest&, const msg::HttpReply& reply,
                         std::int64_t now_ms) const override {
    return read_batch_reply(reply, now_ms);
  }
  msg::HttpRequest delta_request(const std::string& collection, const msg::PullState& state,
                                 std::uint32_t limit, const std::string& etag,
                                 std::uint32_t timeout_ms) const override {
    return make_delta_request(collection, state, limit, etag, timeout_ms);
  }
  delta_reply read_delta(const msg::HttpReply& reply, const std::string& collection,
                         const std::string& cursor, std::int64_t now_ms) const override {
    return read_delta_reply(reply, collection, cursor, now_ms);
  }
  bool is_foreign() const override {
    return false;
  }
};

} // namespace

std::shared_ptr<const client_protocol> own_protocol() {
  static const auto only = std::make_shared<const own>();
  return only;
}

} // namespace syncline::net
