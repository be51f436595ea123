// Any bytes on a connection: heads, bodies and targets, as the server takes them apart.

#include "net/protocol/request_head.hpp"

#include "net/protocol/chunked_body.hpp"
#include "net/protocol/error_json.hpp"
#include "net/protocol/url.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

void require(bool holds) {
  if (!holds)
    std::abort();
}

/// Decodes in two ways of cutting; both must come to the same end.
void fuzz_body(std::string_view bytes) {
  syncline::net::chunked_decoder whole;
  std::string whole_body;
  const auto step = whole.feed(bytes, whole_body);
  syncline::net::chunked_decoder pieces;
  std::string pieces_body;
  for (std::size_t at = 0; at < bytes.size(); ++at)
    (void)pieces.feed(bytes.substr(at, 1), pieces_body);
  require(whole_body == pieces_body);
  require(whole.done() == pieces.done());
  require(whole_body.size() <= bytes.size());
  require(step.consumed <= bytes.size());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace syncline;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  std::size_t scanned = 0;
  const auto end = net::find_head_end(bytes, scanned);
  const auto* head_size = std::get_if<std::size_t>(&end);
  const auto parsed =
    net::parse_request_head(head_size == nullptr ? bytes : bytes.substr(0, *head_size));
  if (const auto* refusal = std::get_if<net::head_refusal>(&parsed)) {
    require(refusal->status == net::http_status_of(refusal->code));
    fuzz_body(bytes);
    return 0;
  }
  // What was accepted ends where the scanner said, and has one framing at most.
  require(head_size != nullptr);
  const auto& head = std::get<net::request_head>(parsed);
  require(!(head.chunked && head.content_length));
  (void)net::parse_target(head.target);
  fuzz_body(bytes.substr(*head_size));
  return 0;
}
