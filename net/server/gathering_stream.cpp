#include "net/server/gathering_stream.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <array>

namespace syncline::net {

using boost::system::error_code;

namespace {

/// The first buffers of an array, as Asio takes them.
struct buffer_span {
  using value_type = asio::const_buffer;
  using const_iterator = const asio::const_buffer*;
  const_iterator first;
  std::size_t count;
  [[nodiscard]] const_iterator begin() const {
    return first;
  }
  [[nodiscard]] const_iterator end() const {
    return first + count;
  }
};

} // namespace

void gathering_stream::flush() {
  constexpr std::size_t buffers_max = 64;
  while (!queue_.empty() && !waits_writable_ && !broken_) {
    std::array<asio::const_buffer, buffers_max> buffers;
    std::size_t count = 0;
    for (; count < buffers_max && count < queue_.size(); ++count)
      buffers[count] = asio::buffer(*queue_[count].bytes);
    buffers[0] += sent_of_first_;
    error_code error;
    const auto sent = socket_.write_some(buffer_span{buffers.data(), count}, error);
    forget_sent(sent);
    if (error == asio::error::would_block) {
      waits_writable_ = true;
      socket_.async_wait(stream_socket::wait_write,
                         [this, owner = owner_.lock()](error_code failed) {
                           waits_writable_ = false;
                           moved_at_ = io_clock::now(); // It has made room.
                           if (failed)
                             fail(failed);
                           else
                             flush();
                         });
      return;
    }
    if (error)
      return fail(error);
  }
}

std::size_t gathering_stream::look_for_progress() {
  // The kernel of a peer whose program hangs acknowledges pings all the same.
  constexpr std::size_t long_message = 1024;
  int held = 0;
  if (::ioctl(socket_.native_handle(), SIOCOUTQ, &held) != 0)
    return waiting_bytes_;
  const auto unacknowledged = static_cast<std::size_t>(held);
  if (unacknowledged < unacknowledged_ && unacknowledged_ > long_message)
    moved_at_ = io_clock::now();
  unacknowledged_ = unacknowledged;
  return unacknowledged + waiting_bytes_;
}

void gathering_stream::forget_sent(std::size_t bytes) {
  waiting_bytes_ -= bytes;
  sent_of_first_ += bytes;
  std::size_t gone = 0;
  while (gone < queue_.size() && sent_of_first_ >= queue_[gone].bytes->size()) {
    auto& first = queue_[gone];
    sent_of_first_ -= first.bytes->size();
    if (first.done)
      first.done->end(get_executor(), {}, first.bytes->size());
    ++gone;
  }
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(gone));
  if (gone != 0 && queue_.empty() && on_drained_)
    on_drained_();
}

void gathering_stream::fail(error_code error) {
  if (std::exchange(broken_, true))
    return;
  for (auto& each : std::exchange(queue_, {}))
    if (each.done)
      each.done->end(get_executor(), error, 0);
  waiting_bytes_ = 0;
  error_code ignored; // Whoever still reads or waits must end as well.
  socket_.close(ignored);
  if (on_broken_)
    on_broken_();
}

void gathering_stream::close() {
  fail(asio::error::operation_aborted);
}

} // namespace syncline::net
