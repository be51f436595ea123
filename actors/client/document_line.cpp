#include "actors/client/document_line.hpp"

#include "actors/client/line_listener.hpp"

#include <chrono>
#include <utility>

namespace syncline::actors::client {

document_line::~document_line() {
  if (line_)
    line_->close();
}

void document_line::wait(std::int64_t delay_ms) {
  is_waiting_ = true;
  msg::DocumentDue due;
  due.set_turn(++turn_);
  rt::delayed_send(self_, document_actor{self_}, std::chrono::milliseconds{delay_ms},
                   std::move(due));
}

void document_line::wait_after_failure() {
  wait(backoff_.fail(world_.random()));
}

void document_line::try_at_once() {
  backoff_.succeed();
  wait(0);
}

bool document_line::is_due(std::uint64_t turn) {
  return turn == turn_ && std::exchange(is_waiting_, false);
}

void document_line::connect(const net::document_address& where) {
  if (line_)
    return;
  is_open_ = false;
  silent_beats_ = beats_open_ = 0;
  line_ = options_.dial(where, std::make_shared<line_listener<document_actor>>(self_, ++number_));
  schedule_beat();
}

void document_line::drop() {
  ++number_; // Nothing of the old one is heard any more.
  ++turn_;
  is_open_ = is_waiting_ = false;
  if (const auto line = std::exchange(line_, nullptr))
    line->close();
}

bool document_line::opened(std::uint64_t number) {
  if (!is(number))
    return false;
  is_open_ = true;
  silent_beats_ = 0;
  return true;
}

bool document_line::alive(std::uint64_t number) {
  if (!is(number))
    return false;
  silent_beats_ = 0;
  return true;
}

bool document_line::beat() {
  if (is_open_ && ++beats_open_ == 2)
    backoff_.succeed(); // A connection that ends as soon as it is open is no success.
  if (++silent_beats_ >= options_.silent_beats_max)
    return false;
  if (silent_beats_ == options_.ping_after_beats && is_open_)
    line_->ping();
  schedule_beat();
  return true;
}

void document_line::schedule_beat() {
  msg::DocumentBeat beat;
  beat.set_connection(number_);
  rt::delayed_send(self_, document_actor{self_}, options_.beat, std::move(beat));
}

void document_line::send(std::string message) {
  if (is_open())
    line_->send(std::move(message));
}

void document_line::resume() {
  if (line_)
    line_->resume();
}

} // namespace syncline::actors::client
