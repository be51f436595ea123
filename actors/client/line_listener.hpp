#pragma once

#include "actors/message_types.hpp"
#include "net/client/live_line.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace syncline::actors::client {

/// Hands what happens on one connection to its actor. Dialer's thread.
template <class Actor>
class line_listener : public net::live_listener {
public:
  line_listener(Actor owner, std::uint64_t number) : owner_{std::move(owner)}, number_{number} {}
  void on_open() override {
    rt::anon_send(owner_, line_opened{number_});
  }
  void on_alive() override {
    rt::anon_send(owner_, line_alive{number_});
  }
  void on_message(std::string message) override {
    rt::anon_send(owner_, line_message{number_, std::move(message)});
  }
  void on_end(core::error why) override {
    rt::anon_send(owner_, line_ended{number_, std::move(why)});
  }

private:
  Actor owner_;
  std::uint64_t number_;
};

} // namespace syncline::actors::client
