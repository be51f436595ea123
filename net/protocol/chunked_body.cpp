#include "net/protocol/chunked_body.hpp"

#include "net/protocol/header_field.hpp"

#include <algorithm>
#include <array>

namespace syncline::net {

namespace {

/// 16 hex digits are 64 bits; leading zeros count too, since nobody needs more.
constexpr std::size_t size_digits_max = 16;

/// Trailers that a later reader could take for framing, routing or credentials (RFC 9110, 6.5.1).
bool is_forbidden_trailer(std::string_view name) {
  constexpr std::array<std::string_view, 8> forbidden = {
    "authorization", "connection", "content-encoding", "content-length", "expect",
    "host",          "te",         "transfer-encoding"};
  return std::find(forbidden.begin(), forbidden.end(), name) != forbidden.end();
}

std::optional<unsigned> hex_value(char byte) {
  if (byte >= '0' && byte <= '9')
    return static_cast<unsigned>(byte - '0');
  if (byte >= 'a' && byte <= 'f')
    return static_cast<unsigned>(byte - 'a') + 10;
  if (byte >= 'A' && byte <= 'F')
    return static_cast<unsigned>(byte - 'A') + 10;
  return std::nullopt;
}

} // namespace

chunked_decoder::step chunked_decoder::feed(std::string_view bytes, std::string& decoded) {
  step result;
  while (result.consumed < bytes.size() && state_ != state::done && state_ != state::refused) {
    if (state_ == state::data)
      result.consumed += take_data(bytes.substr(result.consumed), decoded);
    else if (take_framing(bytes[result.consumed]))
      ++result.consumed;
  }
  result.done = state_ == state::done;
  result.refusal = refusal_;
  return result;
}

std::size_t chunked_decoder::take_data(std::string_view bytes, std::string& decoded) {
  const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, bytes.size()));
  decoded.append(bytes.substr(0, taken));
  chunk_left_ -= taken;
  if (chunk_left_ == 0)
    state_ = state::data_cr;
  return taken;
}

bool chunked_decoder::take_framing(char byte) {
  switch (state_) {
  case state::size:
    return take_size(byte);
  case state::extension:
    return take_extension(byte);
  case state::trailer:
    return take_trailer(byte);
  case state::size_lf:
    if (byte == '\n')
      return end_size_line();
    return refuse(400, "bad_chunk", "A CR behind a chunk size is not followed by LF.");
  case state::data_cr:
    if (byte != '\r')
      return refuse(400, "bad_chunk", "A chunk is not followed by CRLF: its size is wrong.");
    state_ = state::data_lf;
    return true;
  case state::data_lf:
    if (byte != '\n')
      return refuse(400, "bad_chunk", "A chunk is not followed by CRLF: its size is wrong.");
    state_ = state::size;
    size_digits_ = 0;
    return true;
  case state::trailer_lf:
    if (byte == '\n')
      return end_trailer_line();
    return refuse(400, "bad_header", "A CR behind a trailer is not followed by LF.");
  case state::data:
  case state::done:
  case state::refused:
    break;
  }
  return false;
}

bool chunked_decoder::take_size(char byte) {
  if (const auto digit = hex_value(byte)) {
    if (size_digits_ == size_digits_max)
      return refuse(400, "bad_chunk", "A chunk size has more than 16 hex digits.");
    chunk_left_ = (chunk_left_ << 4) | *digit;
    ++size_digits_;
    return true;
  }
  if (size_digits_ == 0 || (byte != ';' && byte != '\r'))
    return refuse(400, "bad_chunk",
                  "A chunk size is not hex digits followed by CRLF or `;` (RFC 9112, 7.1).");
  part_ = extension_part::name_start;
  state_ = byte == ';' ? state::extension : state::size_lf;
  extension_bytes_ += byte == ';' ? 1 : 0;
  return true;
}

// Whitespace around `;` and `=`, which RFC 9112 tolerates as a bad habit, is refused: no sender
// needs it and parsers disagree on it.
bool chunked_decoder::take_extension(char byte) {
  using part = extension_part;
  if (++extension_bytes_ > limits_.extensions_max)
    return refuse(400, "bad_chunk", "The chunk extensions are too long. Send none.");
  const bool ends_one =
    part_ == part::name || part_ == part::token_value || part_ == part::quoted_end;
  if (ends_one && byte == '\r') {
    state_ = state::size_lf;
    return true;
  }
  if (ends_one && byte == ';') {
    part_ = part::name_start;
    return true;
  }
  const bool token_char = is_token_char(byte);
  if ((part_ == part::name_start || part_ == part::name) && token_char) {
    part_ = part::name;
    return true;
  }
  if (part_ == part::name && byte == '=') {
    part_ = part::value_start;
    return true;
  }
  if (part_ == part::value_start && byte == '"') {
    part_ = part::quoted;
    return true;
  }
  if ((part_ == part::value_start || part_ == part::token_value) && token_char) {
    part_ = part::token_value;
    return true;
  }
  if (part_ == part::quoted && (byte == '"' || byte == '\\')) {
    part_ = byte == '"' ? part::quoted_end : part::escaped;
    return true;
  }
  if ((part_ == part::quoted || part_ == part::escaped) && is_field_value_char(byte)) {
    part_ = part::quoted;
    return true;
  }
  return refuse(400, "bad_chunk", "A chunk extension is malformed (RFC 9112, 7.1.1). Send none.");
}

bool chunked_decoder::end_size_line() {
  if (chunk_left_ == 0) {
    state_ = state::trailer;
    return true;
  }
  if (chunk_left_ > limits_.body_max - body_bytes_)
    return refuse(413, "too_large",
                  "The request body is above " + std::to_string(limits_.body_max) +
                    " bytes. Send it in smaller requests.");
  body_bytes_ += chunk_left_;
  state_ = state::data;
  return true;
}

bool chunked_decoder::take_trailer(char byte) {
  if (++trailer_bytes_ > limits_.trailer_bytes_max)
    return refuse(431, "head_too_large", "The trailers are too long. Send none.");
  if (byte == '\r') {
    state_ = state::trailer_lf;
    return true;
  }
  if (byte == '\n')
    return refuse(400, "bad_header", "A trailer has an LF without CR before it.");
  line_.push_back(byte);
  return true;
}

bool chunked_decoder::end_trailer_line() {
  ++trailer_bytes_;
  if (line_.empty()) {
    state_ = state::done;
    return true;
  }
  if (++trailers_ > limits_.trailers_max)
    return refuse(431, "head_too_large", "There are too many trailers. Send none.");
  auto parsed = parse_header_line(line_);
  if (auto* refusal = std::get_if<head_refusal>(&parsed))
    return refuse(refusal->status, refusal->code, refusal->message);
  const auto& name = std::get<0>(parsed).first;
  if (is_forbidden_trailer(name))
    return refuse(400, "bad_header",
                  "Header `" + name + "` must not come as a trailer (RFC 9110, 6.5.1).");
  line_.clear();
  state_ = state::trailer;
  return true;
}

bool chunked_decoder::refuse(int status, std::string code, std::string message) {
  state_ = state::refused;
  refusal_ = head_refusal{status, std::move(code), std::move(message)};
  return false;
}

} // namespace syncline::net
