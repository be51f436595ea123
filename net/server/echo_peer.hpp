#pragma once

#include "net/server/live.hpp"

namespace syncline::net {

/// Sends every message back: for conformance suites of WebSocket (`syncline server --debug-echo`).
class echo_peer : public live_peer {
public:
  void on_begin(std::shared_ptr<live_link> link) override {
    link_ = std::move(link);
  }
  [[nodiscard]] bool on_message(std::string_view payload, bool text) override {
    link_->send(make_message_frame(payload, text));
    return true;
  }

private:
  std::shared_ptr<live_link> link_;
};

} // namespace syncline::net
