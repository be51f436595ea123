#include "net/server/live.hpp"

namespace syncline::net {

shared_bytes make_message_frame(std::string_view payload, bool text) {
  constexpr std::size_t short_max = 125;
  constexpr std::size_t medium_max = 0xffff;
  constexpr std::size_t header_max = 10;
  auto frame = std::make_shared<std::string>();
  frame->reserve(header_max + payload.size());
  frame->push_back(static_cast<char>(text ? 0x81 : 0x82)); // The only frame of its message.
  const auto append = [&](int bytes) {
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
      frame->push_back(static_cast<char>(payload.size() >> shift & 0xff));
  };
  if (payload.size() <= short_max) {
    append(1);
  } else if (payload.size() <= medium_max) {
    frame->push_back(126);
    append(2);
  } else {
    frame->push_back(127);
    append(8);
  }
  *frame += payload;
  return frame;
}

} // namespace syncline::net
