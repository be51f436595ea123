#pragma once
// The chunked transfer coding of RFC 9112 section 7.1, decoded strictly and without I/O.

#include "net/protocol/request_head.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace syncline::net {

/// Limits on a chunked body, in bytes and counts; what is exactly at the limit is allowed.
struct chunked_limits {
  std::uint64_t body_max = 8u << 20;    // decoded body; beyond: 413 too_large, before it is stored
  std::size_t extensions_max = 4 << 10; // chunk extensions, over the whole body; beyond: 400
  std::size_t trailer_bytes_max = 8 << 10; // trailer section; beyond: 431
  std::size_t trailers_max = 32;           // trailer lines; beyond: 431
};

/// Decodes one chunked body, however its bytes are cut into pieces. Trailers are checked by the
/// rules for headers and dropped; those that would change framing or routing are refused. Not
/// synchronised.
//
// size --;--> extension --CR--> size_lf --LF--> data --all--> data_cr --CR--> data_lf --LF--> size
//  '---CR----------------------^            |size 0
//                                           '--> trailer line* --empty line--> done
class chunked_decoder {
public:
  explicit chunked_decoder(chunked_limits limits = {}) : limits_{limits} {}

  /// Outcome of one `feed`.
  struct step {
    std::size_t consumed = 0; // bytes taken; less than given only with `done` or a refusal
    bool done = false;        // the body is complete; what was not consumed is the next request
    std::optional<head_refusal> refusal; // codes bad_chunk, bad_header, too_large, head_too_large
  };

  /// Takes the next bytes and appends the body bytes among them to `decoded`. After `done` it
  /// consumes nothing; after a refusal it gives the same refusal again.
  step feed(std::string_view bytes, std::string& decoded);

  /// Whether the body is complete. False when the input ends means that it was cut off.
  [[nodiscard]] bool done() const noexcept {
    return state_ == state::done;
  }

private:
  enum class state {
    size,       // hex digits of a chunk size
    extension,  // what follows a semicolon, up to CR
    size_lf,    // CR was seen, LF must follow
    data,       // inside a chunk
    data_cr,    // the CR behind a chunk
    data_lf,    // its LF
    trailer,    // a line of the trailer section
    trailer_lf, // its LF
    done,       // all is there
    refused     // for good
  };

  // Position inside one chunk extension; quoted strings may hold what ends the others.
  enum class extension_part {
    name_start,
    name,
    value_start,
    token_value,
    quoted,
    escaped,
    quoted_end
  };

  bool take_framing(char byte);
  bool take_size(char byte);
  bool take_extension(char byte);
  bool take_trailer(char byte);
  bool end_size_line();
  bool end_trailer_line();
  std::size_t take_data(std::string_view bytes, std::string& decoded);
  bool refuse(int status, std::string code, std::string message);

  chunked_limits limits_;
  state state_ = state::size;
  extension_part part_ = extension_part::name_start;
  std::uint64_t chunk_left_ = 0;    // of the current chunk
  std::uint64_t body_bytes_ = 0;    // announced so far
  std::size_t size_digits_ = 0;     // of the current size
  std::size_t extension_bytes_ = 0; // over the whole body
  std::size_t trailer_bytes_ = 0;
  std::size_t trailers_ = 0;
  std::string line_; // the trailer line under way
  std::optional<head_refusal> refusal_;
};

} // namespace syncline::net
