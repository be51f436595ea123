#pragma once

#include "actors/client/interfaces.hpp"
#include "net/client/live_line.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace syncline::actors::client {

/// Hands what happens on one connection to the actor. Dialer's thread.
class line_listener : public net::live_listener {
public:
  line_listener(stream_actor stream, std::uint64_t number)
    : stream_{std::move(stream)}, number_{number} {}
  void on_open() override {
    rt::anon_send(stream_, line_opened{number_});
  }
  void on_alive() override {
    rt::anon_send(stream_, line_alive{number_});
  }
  void on_message(std::string message) override {
    rt::anon_send(stream_, line_message{number_, std::move(message)});
  }
  void on_end(core::error why) override {
    rt::anon_send(stream_, line_ended{number_, std::move(why)});
  }

private:
  stream_actor stream_;
  std::uint64_t number_;
};

} // namespace syncline::actors::client
