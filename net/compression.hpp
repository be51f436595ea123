#pragma once
// Content codings of HTTP bodies (RFC 9110 section 8.4): gzip (RFC 1952) and zstd (RFC 8878,
// window limited as RFC 9659 asks). Every decoder enforces its limits while it decodes, so a small
// body can never become a large allocation. Nothing here is shared between threads except through
// an object a caller shares; the free functions may be called from any thread.

#include "core/expected.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace syncline::net {

/// How a body is encoded on the wire.
enum class content_coding { identity, gzip, zstd };

/// The coding that a `Content-Encoding` value names; an empty value is identity. Absent for codings
/// we do not speak and for lists: nobody has a reason to encode a body twice.
[[nodiscard]] std::optional<content_coding> parse_content_coding(std::string_view header_value);

/// The name used on the wire: "identity", "gzip", "zstd".
[[nodiscard]] std::string_view coding_name(content_coding coding);

/// The best coding that an `Accept-Encoding` value allows (RFC 9110 section 12.5.3): the highest
/// weight, and of equal ones zstd before gzip. An empty or unreadable value gives identity.
[[nodiscard]] content_coding choose_coding(std::string_view accept_encoding);

/// What a body looks like, for messages: "begins with '{', looks like JSON", "is empty", ...
[[nodiscard]] std::string describe_bytes(std::string_view bytes);

/// Stands for the level that costs less time than a slow line: gzip 4, zstd 3.
inline constexpr int default_compression_level = -1;

/// Encodes `plain` as one gzip member or one zstd frame. `level` is 1..9 for gzip, 1..19 for zstd.
/// Errors: `compression_failed` (out of memory, or a level out of range).
[[nodiscard]] core::expected<std::string> compress(content_coding coding, std::string_view plain,
                                                   int level = default_compression_level);

/// What a decoder may read and produce, in bytes.
struct decode_limits {
  std::size_t encoded_max = std::size_t{8} << 20;
  std::size_t decoded_max = std::size_t{64} << 20;
  /// Decoded bytes for each encoded one; looked at only above 1 MiB decoded.
  std::size_t ratio_max = 100;
};

/// Decodes a body as its pieces arrive. Use: `feed` every piece, then `finish`, then `take_output`.
/// After an error the decoder is spent and the output so far must not be used. Not thread-safe.
class streaming_decoder {
public:
  explicit streaming_decoder(content_coding coding, const decode_limits& limits = {});
  ~streaming_decoder();
  streaming_decoder(streaming_decoder&&) noexcept;
  streaming_decoder& operator=(streaming_decoder&&) noexcept;

  /// Says how many encoded bytes to expect, so that an identity body is read into one allocation.
  /// At most 1 MiB is reserved: an announcement costs its sender nothing.
  void expect_encoded_bytes(std::size_t count);

  /// Decodes a piece. Errors: `bad_encoding` (not of this coding, wrong checksum, bytes after the
  /// end), `too_large` (a limit; the text names it).
  [[nodiscard]] core::expected<void> feed(std::string_view piece);

  /// Says that all pieces were fed. Errors: `bad_encoding` where the encoding has not ended.
  [[nodiscard]] core::expected<void> finish();

  /// Bytes fed so far.
  [[nodiscard]] std::size_t encoded_bytes() const {
    return encoded_bytes_;
  }

  /// Moves the decoded bytes out.
  [[nodiscard]] std::string take_output();

private:
  class backend;
  class gzip_backend;
  class zstd_backend;

  [[nodiscard]] core::expected<void> accept(std::string_view decoded);
  [[nodiscard]] core::error bad(std::string_view why) const;

  content_coding coding_;
  decode_limits limits_;
  std::unique_ptr<backend> backend_;
  std::string output_;
  std::string first_bytes_;
  std::size_t encoded_bytes_ = 0;
  bool spent_ = false;
};

/// Decodes a whole body; errors as in `streaming_decoder`. Several gzip members, or zstd frames, in
/// a row are one body (RFC 1952 section 2.2) and are counted together.
[[nodiscard]] core::expected<std::string>
decompress(content_coding coding, std::string_view encoded, const decode_limits& limits = {});

} // namespace syncline::net
